-- As migration 23.
alter table order_events validate constraint order_events_address_check;
