-- The constraint of groups that was added without a look at what is there.
alter table groups validate constraint groups_merchant_id_fkey;
