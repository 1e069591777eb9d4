alter table members
    drop column is_silent,
    drop column is_pinned;
