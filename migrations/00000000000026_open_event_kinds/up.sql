-- An event's row says who did what to whom, and kinds and topics are texts whose closed set is the code's: a new kind is a
-- new binary, and no change of a type. The column "audience" holds a topic's kind.
--
-- What it costs: both tables are written anew under a lock that nothing else gets by, about a minute for ten million events.
-- As with every migration, the lock is waited for a second at a time; once it is held, events wait until it ends.
--
-- Beside instances of the version before, while all are replaced: those go on writing, moving and delivering events, for the
-- types are kept, and become texts where they meet one. Three things don't work there: what they move loses the new columns, which nothing
-- needs that they know; a connection on which a subscriber has caught up before answers the next one with an error; and they
-- ignore new kinds. Once no such instance is left, both types can go: drop type event_kind, event_audience cascade.
alter table outbox
    drop constraint outbox_conversation_check,
    alter kind type text using kind::text,
    alter audience type text using audience::text,
    -- Who did it, where that is not the person it is about.
    add actor_id bigint,
    -- Whom or what it was done to, beside the row that it is about.
    add target_id bigint,
    -- What the kind says beyond that: src/events/data.rs has the shapes.
    add data jsonb,
    add constraint outbox_conversation_check
        check (audience <> 'CONVERSATION' or (conversation_id = audience_id and version is not null));

alter table events
    alter kind type text using kind::text,
    alter audience type text using audience::text,
    add actor_id bigint,
    add target_id bigint,
    add data jsonb;

create cast (event_kind as text) with inout as implicit;
create cast (event_audience as text) with inout as implicit;
