drop index messages_sender_idx;
