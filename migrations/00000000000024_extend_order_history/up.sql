-- Where an order went before.

-- A line of an order's history may be a change of its address, in the state that it keeps.
alter table order_events
    add column from_address text,
    add column to_address text,
    add constraint order_events_address_check check (
        (from_address is null) = (to_address is null)
        and char_length(from_address) <= 200 and char_length(to_address) <= 200
        and (to_address is null or from_status is not distinct from to_status)
    ) not valid;
alter table order_events drop constraint order_events_order_id_to_status_key;
-- No state is come to twice.
create unique index order_events_order_id_to_status_key on order_events (order_id, to_status) where to_address is null;
create index order_events_order_id_idx on order_events (order_id, id);
