drop function delete_unshown_media;
alter table users drop column avatar_id;
drop table file_usage;
drop table uploads;
drop type upload_state;
drop table media;
drop table blobs;
