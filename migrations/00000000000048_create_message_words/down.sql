drop table message_index;
drop table message_words;
