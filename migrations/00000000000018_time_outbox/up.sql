-- When an event was written: how long the oldest one waits for its place says whether the stream stands still.
alter table outbox add written_at timestamptz not null default now();
-- Of the row itself, however long its transaction has taken before.
alter table outbox alter written_at set default clock_timestamp();

-- Nothing is in the outbox, or will ever be, with an id up to this one: where moves begin to look. See src/events/floor.rs.
alter table event_stream add outbox_floor bigint not null default 0;
