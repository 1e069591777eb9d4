-- One address tries a contact's codes three times at most; from all addresses together a code is tried ten times.
alter table one_time_codes drop constraint one_time_codes_tries_check;
alter table one_time_codes add constraint one_time_codes_tries_check check (tries between 0 and 10);

-- A code replaces only an earlier one that was asked for from the same network: empty where addresses are not counted.
alter table one_time_codes add asked_from text not null default '';
alter table one_time_codes drop constraint one_time_codes_pkey;
alter table one_time_codes add constraint one_time_codes_pkey primary key (contact, purpose, asked_from);
