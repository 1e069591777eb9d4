-- What is sold, or wanted, newest first; the condition is looked at in the index, before any row is.
drop index items_status_direction_condition_idx;
create index items_status_direction_created_at_idx on items (status, direction, created_at, id, condition);
