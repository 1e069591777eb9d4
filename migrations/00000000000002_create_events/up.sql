-- Events on their way (outbox) and in their order (events); src/events/mod.rs says how they move.

create type event_kind as enum (
    'MEMBERSHIP_CHANGED', 'MESSAGE_CREATED', 'MESSAGE_UPDATED', 'CONVERSATION_READ', 'SESSION_REVOKED'
);
create type event_audience as enum ('CONVERSATION', 'USER', 'ROLE');

create table outbox (
    id bigint generated always as identity,
    kind event_kind not null,
    audience event_audience not null,
    -- A conversation's or user's id; for a role its rank: 1 SUPPORT, 2 ADMIN.
    audience_id bigint not null,
    conversation_id bigint,
    -- The conversation's version once this had happened: decides, with a member's window, who may see it.
    version bigint,
    -- The message's, session's or other row's id.
    subject_id bigint,
    -- The message's seq, or the seq a marker moved to.
    seq integer,
    -- Whom it concerns or who did it.
    user_id bigint,
    constraint outbox_pkey primary key (id),
    constraint outbox_conversation_check
        check (audience <> 'CONVERSATION' or (conversation_id = audience_id and version is not null))
);

-- Rows live for milliseconds: without early vacuuming the index would be a graveyard.
alter table outbox set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- One row. head: the last position given out, so positions have no gaps. dropped_through: the last that retention took.
create table event_stream (
    only_row boolean not null default true,
    head bigint not null default 0,
    dropped_through bigint not null default 0,
    -- When head was given out; never earlier than before, whatever the clock does.
    last_at timestamptz not null default now(),
    constraint event_stream_pkey primary key (only_row),
    constraint event_stream_one_row_check check (only_row),
    constraint event_stream_order_check check (dropped_through <= head)
);
insert into event_stream default values;
alter table event_stream set (fillfactor = 10);

create table events (
    position bigint not null,
    at timestamptz not null,
    kind event_kind not null,
    audience event_audience not null,
    audience_id bigint not null,
    conversation_id bigint,
    version bigint,
    subject_id bigint,
    seq integer,
    user_id bigint,
    constraint events_pkey primary key (position, at)
) partition by range (at);

create index events_audience_idx on events (audience, audience_id, position);
