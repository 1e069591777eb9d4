alter table groups drop column merchant_id;
drop table activation_codes;
drop table merchant_members;
delete from search_entries where kind = 'MERCHANT';
delete from search_words where kind = 'MERCHANT';
drop index search_entries_merchants_idx;
drop table merchants;
