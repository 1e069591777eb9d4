-- What messages say, as words. The words are made in Rust, as search makes its own, behind the stream of events: sending costs nothing
-- of it.

create table message_words (
    message_id bigint primary key references messages (id),
    -- Beside its own words each has one that names its conversation, so that one index finds both.
    words tsvector not null,
    -- When the message had last been edited when they were made: of another text they find nothing.
    edited_at timestamptz
);

create index message_words_words_idx on message_words using gin (words);

-- How far words are made. One row.
create table message_index (
    id boolean primary key default true check (id),
    -- Version of the rules by which words are made.
    version smallint not null,
    -- Events up to here are dealt with.
    position bigint not null,
    -- Messages behind this id, and up to the other one, were there before; null once they are dealt with.
    rest_after bigint,
    rest_until bigint not null
);

insert into message_index (version, position, rest_after, rest_until)
select 0, head, 0, coalesce((select max(id) from messages), 0) from event_stream;
