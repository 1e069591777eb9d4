drop index items_status_direction_created_at_idx;
create index items_status_direction_condition_idx on items (status, direction, condition);
