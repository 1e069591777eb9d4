-- When an event was written: how long the oldest one waits for its place says whether the stream stands still.
alter table outbox add written_at timestamptz not null default now();
