delete from order_events where to_address is not null;
drop index order_events_order_id_idx, order_events_order_id_to_status_key;
alter table order_events
    add constraint order_events_order_id_to_status_key unique (order_id, to_status),
    drop column from_address,
    drop column to_address;
