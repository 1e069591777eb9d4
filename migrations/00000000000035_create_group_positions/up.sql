-- Where groups are: the cell of the grid.

create table group_positions (
    group_id bigint not null,
    -- The cell's row times 100,000, and its column.
    cell bigint not null,
    -- Where the cell's centre is, in metres from the centre of the earth. Groups in one cell are a millimetre apart, which
    -- orders them, and lets the index part them.
    place cube not null,
    constraint group_positions_pkey primary key (group_id),
    constraint group_positions_group_id_fkey foreign key (group_id) references groups (id),
    constraint group_positions_cell_check check (cell between 0 and 3999999999),
    constraint group_positions_place_check check (cube_dim(place) = 3)
);

create index group_positions_place_idx on group_positions using gist (place);
