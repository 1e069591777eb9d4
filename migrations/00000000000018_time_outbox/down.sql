alter table event_stream drop outbox_floor;
alter table outbox drop written_at;
