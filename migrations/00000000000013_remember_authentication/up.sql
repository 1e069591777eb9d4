-- When a session's user last proved their identity: by signing in, or again since. Changing contacts, setting a first password and
-- leaving ask for it.
alter table sessions add authenticated_at timestamptz;
update sessions set authenticated_at = created_at;
alter table sessions alter authenticated_at set default now(), alter authenticated_at set not null;
