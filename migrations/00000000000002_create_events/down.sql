drop table events;
drop table event_stream;
drop table outbox;
drop type event_audience;
drop type event_kind;
