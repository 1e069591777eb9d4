alter table members drop column is_staff, drop column muted_until;
alter table conversations drop column title, drop column mute_all;
drop table group_join_requests;
drop table group_members;
delete from search_entries where kind = 'GROUP';
delete from search_words where kind = 'GROUP';
drop index search_entries_groups_idx;
drop table groups;
drop type group_role;
