-- Files that messages show, messages that answer others, and lists of messages by type.

alter table messages
    -- The file that the content names, one of the sender's; null once the content is gone.
    add column media_id bigint,
    -- The message that this one answers, an earlier one of the conversation.
    add column reply_to_seq integer,
    add constraint messages_media_id_fkey foreign key (media_id) references media (id) not valid,
    add constraint messages_media_id_check check (media_id is not distinct from (content ->> 'media')::bigint) not valid,
    add constraint messages_reply_to_seq_check check (reply_to_seq between 1 and seq - 1) not valid;

create index messages_media_id_idx on messages (media_id) where media_id is not null;

-- Nearly all messages are texts, which are found by their seqs: they cost this index nothing.
create index messages_type_idx on messages (conversation_id, type, seq) where type <> 'TEXT';
