-- The constraints of messages that were added without a look at what is there.
alter table messages validate constraint messages_media_id_fkey;
alter table messages validate constraint messages_media_id_check;
alter table messages validate constraint messages_reply_to_seq_check;
