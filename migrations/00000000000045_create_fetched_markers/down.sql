drop table message_views;
alter table members drop column fetched_seq;
