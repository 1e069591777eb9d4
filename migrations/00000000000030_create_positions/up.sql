-- Positions: the cell of the grid that a person is in, and who may see that they are near.

-- Points with an index by distance. It is trusted: the owner of the database may create it.
create extension if not exists cube;

create type position_visibility as enum ('EVERYBODY', 'FRIENDS', 'NOBODY');

create table positions (
    user_id bigint not null,
    -- The cell's row times 100,000, and its column.
    cell bigint not null,
    visibility position_visibility not null default 'NOBODY',
    located_at timestamptz not null,
    -- Where the cell's centre is, in metres from the centre of the earth. People in one cell are a millimetre apart, which
    -- orders them, and lets the index part them. Null while no user may see it, or it is too old.
    place cube,
    constraint positions_pkey primary key (user_id),
    constraint positions_user_id_fkey foreign key (user_id) references users (id),
    constraint positions_cell_check check (cell between 0 and 3999999999),
    constraint positions_place_check check (place is null or (visibility <> 'NOBODY' and cube_dim(place) = 3))
);

create index positions_place_idx on positions using gist (place) where visibility = 'EVERYBODY' and place is not null;
create index positions_located_at_idx on positions (located_at) where place is not null;

-- The cells from which a person has asked who is near, until the hour is over.
create table near_asks (
    user_id bigint not null,
    cells bigint[] not null,
    ends_at timestamptz not null,
    constraint near_asks_pkey primary key (user_id),
    constraint near_asks_user_id_fkey foreign key (user_id) references users (id)
);

create index near_asks_ends_at_idx on near_asks (ends_at);

-- Positions that profiles have, which no user may see. When they were taken is not known: not before the account was made.
insert into positions (user_id, cell, located_at)
select p.user_id, p.row * 100000 + floor((p.longitude + 180) / (360 / p.columns))::bigint % p.columns::bigint, u.created_at
from (select user_id, longitude, row,
        greatest(floor(360 * cos(radians((row + 0.5::float8) * 0.0045::float8 - 90)) / 0.0045::float8), 1) as columns
    from (select user_id, longitude, least(floor((latitude + 90) / 0.0045::float8), 39999)::bigint as row
        from profiles where longitude is not null and latitude is not null) rows) p
join users u on u.id = p.user_id where u.deleted_at is null;

-- The columns stay for instances of the version before, and go with the next version. Few people have a position.
update profiles set longitude = null, latitude = null where longitude is not null or latitude is not null;
