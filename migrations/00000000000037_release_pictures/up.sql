-- Groups that were dissolved show no picture: its owner can delete the file.
update groups set avatar_id = null where dissolved_at is not null and avatar_id is not null;
