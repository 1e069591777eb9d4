alter table wallets
    drop constraint wallets_total_check,
    add constraint wallets_total_check check (balance + held <= 9999999999999);

update tickets set status = 'ANSWERED' where status = 'OPEN' and answer is not null;
alter table tickets
    drop constraint tickets_status_check,
    add constraint tickets_status_check check ((status = 'OPEN') <= (answer is null) and (status = 'ANSWERED') <= (answer is not null)),
    drop column closed_by;
drop table ticket_lines;

delete from order_events where to_address is not null;
drop index order_events_order_id_idx, order_events_order_id_to_status_key;
alter table order_events
    add constraint order_events_order_id_to_status_key unique (order_id, to_status),
    drop column from_address,
    drop column to_address;
