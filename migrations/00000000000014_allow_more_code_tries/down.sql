-- Codes live for ten minutes: those that are lost can be asked for again.
delete from one_time_codes;
alter table one_time_codes drop constraint one_time_codes_pkey;
alter table one_time_codes drop asked_from;
alter table one_time_codes add constraint one_time_codes_pkey primary key (contact, purpose);
alter table one_time_codes drop constraint one_time_codes_tries_check;
alter table one_time_codes add constraint one_time_codes_tries_check check (tries between 0 and 5);
