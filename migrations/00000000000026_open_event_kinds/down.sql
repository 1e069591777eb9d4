-- Events of kinds or topics that the types don't have keep their positions, and are for nobody.
update outbox set kind = 'SESSION_REVOKED', audience = 'USER', audience_id = 0, subject_id = null, version = null
where not kind = any(enum_range(null::event_kind)::text[]) or not audience = any(enum_range(null::event_audience)::text[]);
update events set kind = 'SESSION_REVOKED', audience = 'USER', audience_id = 0, subject_id = null, version = null
where not kind = any(enum_range(null::event_kind)::text[]) or not audience = any(enum_range(null::event_audience)::text[]);

drop cast (event_kind as text);
drop cast (event_audience as text);

alter table outbox
    drop constraint outbox_conversation_check,
    alter kind type event_kind using kind::event_kind,
    alter audience type event_audience using audience::event_audience,
    drop actor_id,
    drop target_id,
    drop data,
    add constraint outbox_conversation_check
        check (audience <> 'CONVERSATION' or (conversation_id = audience_id and version is not null));

alter table events
    alter kind type event_kind using kind::event_kind,
    alter audience type event_audience using audience::event_audience,
    drop actor_id,
    drop target_id,
    drop data;
