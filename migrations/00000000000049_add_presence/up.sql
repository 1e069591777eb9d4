-- Who sees whether a user is online. That itself is stored nowhere: instances tell each other.
create type presence_visibility as enum ('FRIENDS', 'EVERYBODY', 'NOBODY');

alter table profiles add column presence_visibility presence_visibility not null default 'FRIENDS';
