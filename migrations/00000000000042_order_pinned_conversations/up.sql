-- A user's pinned conversations are counted from an index, however many conversations they are in. Apart from the column, so that
-- readers don't wait while it is built.
create index members_pinned_idx on members (user_id) where is_pinned;
