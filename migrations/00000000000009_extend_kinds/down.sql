-- The values stay: PostgreSQL takes none out of an enum.
delete from outbox where kind::text in ('TASK_CHANGED', 'ORDER_CHANGED', 'TICKET_CHANGED');
delete from events where kind::text in ('TASK_CHANGED', 'ORDER_CHANGED', 'TICKET_CHANGED');
delete from search_entries where kind::text in ('TASK', 'PRODUCT');
delete from search_words where kind::text in ('TASK', 'PRODUCT');
