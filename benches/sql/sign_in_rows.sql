\set person random(50001, 50064)
select id, username, role, password_hash, suspended_at from users where username_key = 'user' || :person;
insert into rate_counts (key, used, ends_at) values (sha256(('login' || :person)::bytea), 1, now() + interval '15 minutes')
    on conflict (key) do update set used = rate_counts.used + 1 returning used;
update rate_counts set used = used - 1 where key = sha256(('login' || :person)::bytea);
with opened as (
    insert into sessions (user_id, platform, expires_at) values (:person, 'WEB', now() + interval '30 days') returning id)
insert into refresh_tokens (session_id, token_hash) select id, sha256((id || random()::text)::bytea) from opened;
