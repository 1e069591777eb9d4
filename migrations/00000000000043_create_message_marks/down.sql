alter table members drop column hidden_through, drop column hidden_count;
drop table hidden_messages;
drop table reactions;
drop table message_mentions;
drop index messages_mentions_all_idx;
alter table messages
    drop constraint messages_gone_check,
    drop column revoked_by,
    drop column reaction_count,
    drop column is_forwarded,
    drop column mentions_all,
    drop column mentions;
