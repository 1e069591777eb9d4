-- What a member chooses for a conversation, for their own list and devices alone.
alter table members
    -- First in the member's list.
    add column is_pinned boolean not null default false,
    -- Their clients don't alert them; nothing else depends on it.
    add column is_silent boolean not null default false;
