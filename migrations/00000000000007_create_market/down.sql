-- The event's kind stays: PostgreSQL takes none out of an enum.
delete from outbox where kind::text = 'ITEM_TRADED';
delete from events where kind::text = 'ITEM_TRADED';
drop table favorites;
drop table item_images;
drop table items;
drop type item_status;
drop type item_direction;
