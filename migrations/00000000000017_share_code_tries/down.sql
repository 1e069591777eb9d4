drop index sessions_addresses_idx;
alter table one_time_codes drop tries_elsewhere;
