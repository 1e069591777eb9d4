drop trigger profiles_tell_change on profiles;
drop trigger users_tell_change on users;
drop function tell_changed_profile();
drop function tell_changed_user();
