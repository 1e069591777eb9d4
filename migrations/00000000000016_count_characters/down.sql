-- Longer texts may stand there now; they stay.

alter table items
    drop constraint items_title_check,
    add constraint items_title_check check (char_length(title) between 1 and 100) not valid;
alter table items
    drop constraint items_note_check,
    add constraint items_note_check check (char_length(note) <= 2000) not valid;
alter table tasks
    drop constraint tasks_title_check,
    add constraint tasks_title_check check (char_length(title) between 1 and 100) not valid;
alter table tasks
    drop constraint tasks_content_check,
    add constraint tasks_content_check check (char_length(content) between 1 and 5000) not valid;
alter table ledger_transfers
    drop constraint ledger_transfers_note_check,
    add constraint ledger_transfers_note_check check (char_length(note) <= 200 and (reason = 'ADMIN_ADJUSTMENT') <= (note is not null)) not valid;
alter table products
    drop constraint products_name_check,
    add constraint products_name_check check (char_length(name) between 1 and 100) not valid;
alter table orders
    drop constraint orders_address_check,
    add constraint orders_address_check check (char_length(address) <= 200 and (status in ('PENDING', 'SHIPPED')) <= (address <> '')) not valid;
alter table orders
    drop constraint orders_tracking_number_check,
    add constraint orders_tracking_number_check check (char_length(tracking_number) between 1 and 64 and (status = 'PENDING') <= (tracking_number is null)) not valid;
alter table order_events
    drop constraint order_events_note_check,
    add constraint order_events_note_check check (char_length(note) <= 200) not valid;
alter table tickets
    drop constraint tickets_question_check,
    add constraint tickets_question_check check (char_length(question) between 1 and 2000) not valid;
alter table tickets
    drop constraint tickets_answer_check,
    add constraint tickets_answer_check check (char_length(answer) between 1 and 2000 and (answer is null) = (agent_id is null)) not valid;
