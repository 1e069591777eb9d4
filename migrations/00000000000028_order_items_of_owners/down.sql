create index items_owner_id_idx on items (owner_id, created_at, id);
drop index items_owner_id_created_at_idx;
drop index items_owner_id_price_idx;
drop index items_owner_id_favorite_count_idx;
