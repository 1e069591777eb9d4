alter table outbox drop written_at;
