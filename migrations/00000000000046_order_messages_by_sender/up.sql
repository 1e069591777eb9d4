-- The messages of a sender are found in a long conversation of many.
create index messages_sender_idx on messages (conversation_id, sender_id, seq);
