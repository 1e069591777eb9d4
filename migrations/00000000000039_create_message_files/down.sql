-- The contents that older versions don't know are deleted; their messages keep their places.
update messages set status = 'DELETED', content = null, media_id = null where type <> 'TEXT' and status = 'NORMAL';
drop index messages_type_idx;
alter table messages
    drop constraint messages_reply_to_seq_check,
    drop constraint messages_media_id_check,
    drop column reply_to_seq,
    drop column media_id;
