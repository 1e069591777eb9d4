drop table messages;
drop table members;
drop table conversations;
drop type message_status;
drop type message_type;
drop type conversation_kind;
