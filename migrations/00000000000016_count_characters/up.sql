-- The service counts characters as people do, which PostgreSQL can't: grapheme clusters, of any number of code points. The
-- tables bound the bytes: 25 for each character of a text of up to 200, 8 for each of a longer one (`text::most_bytes`). A
-- file's name keeps its bound of 200 code points: a longer one is cut, not refused.

alter table items
    drop constraint items_title_check,
    add constraint items_title_check check (octet_length(title) between 1 and 2500);
alter table items
    drop constraint items_note_check,
    add constraint items_note_check check (octet_length(note) <= 16000);
alter table tasks
    drop constraint tasks_title_check,
    add constraint tasks_title_check check (octet_length(title) between 1 and 2500);
alter table tasks
    drop constraint tasks_content_check,
    add constraint tasks_content_check check (octet_length(content) between 1 and 40000);
alter table ledger_transfers
    drop constraint ledger_transfers_note_check,
    add constraint ledger_transfers_note_check check (octet_length(note) <= 5000 and (reason = 'ADMIN_ADJUSTMENT') <= (note is not null));
alter table products
    drop constraint products_name_check,
    add constraint products_name_check check (octet_length(name) between 1 and 2500);
alter table orders
    drop constraint orders_address_check,
    add constraint orders_address_check check (octet_length(address) <= 5000 and (status in ('PENDING', 'SHIPPED')) <= (address <> ''));
alter table orders
    drop constraint orders_tracking_number_check,
    add constraint orders_tracking_number_check check (octet_length(tracking_number) between 1 and 1600 and (status = 'PENDING') <= (tracking_number is null));
alter table order_events
    drop constraint order_events_note_check,
    add constraint order_events_note_check check (octet_length(note) <= 5000);
alter table tickets
    drop constraint tickets_question_check,
    add constraint tickets_question_check check (octet_length(question) between 1 and 16000);
alter table tickets
    drop constraint tickets_answer_check,
    add constraint tickets_answer_check check (octet_length(answer) between 1 and 16000 and (answer is null) = (agent_id is null));
