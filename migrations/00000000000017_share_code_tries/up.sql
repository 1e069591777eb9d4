-- Tries from the network that asked for a code count apart from tries from elsewhere, so that tries from elsewhere can't use
-- the code up for the one who asked for it.
alter table one_time_codes add tries_elsewhere integer not null default 0;
alter table one_time_codes add constraint one_time_codes_tries_elsewhere_check check (tries_elsewhere between 0 and 10);

-- The addresses of the last sessions are looked up at every try to sign in.
create index sessions_addresses_idx on sessions (user_id, last_used_at desc, id desc) where ip is not null;
