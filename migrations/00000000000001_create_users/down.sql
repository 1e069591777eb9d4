drop table refresh_tokens;
drop table sessions;
drop table users;
drop type platform;
drop type user_role;
