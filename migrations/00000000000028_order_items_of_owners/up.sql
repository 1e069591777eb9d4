-- A page of an owner's items in some states is read from an index in each of the orders, however many items they have.

create index items_owner_id_created_at_idx on items (owner_id, status, created_at, id);
create index items_owner_id_price_idx on items (owner_id, status, price, id);
create index items_owner_id_favorite_count_idx on items (owner_id, status, favorite_count, id);
drop index items_owner_id_idx;
