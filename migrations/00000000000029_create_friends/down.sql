alter table conversations drop column low_blocks, drop column high_blocks;
drop table friend_group_members;
drop table friend_groups;
drop table friend_counts;
drop table friendships;
drop table friend_requests;
drop table blocks;
drop table relations;
drop type friend_request_status;
