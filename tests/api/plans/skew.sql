-- Large and skewed data, for an empty database. User 1 is in 20,000 conversations, and has 10,000 tasks, orders, tickets
-- and entries, and has pinned 100 conversations; user 2 has 10,000 items, the oldest three of them open; user 3 has 10,000 favorites; item 1 is the favorite
-- of 100,000 users; conversation 1 has 500 members and 20,000 messages, nearly all of user 1; user 9 has little, and user 6
-- administrates.
insert into users (username, username_key, nickname) select 'user' || n, 'user' || n, 'Name ' || n from generate_series(1, 100000) n;
insert into profiles (user_id) select generate_series(1, 100000);
insert into search_entries (kind, subject_id, version, boost, words)
    select 'USER', n, 2, 1, ('''user' || n || ''':1A ''name'':2A ''' || n || ''':3A')::tsvector from generate_series(1, 100000) n;
insert into search_words select 'x' || left(translate(md5(n::text), '0123456789', 'ghijklmnop'), 12), 'USER' from generate_series(1, 50000) n;
insert into blobs (sha256, content_type, name, size_bytes, stored, uses, wanted_at)
    select sha256(n::text::bytea), 'image/png', 'blob' || n, 9, true, 1, '2026-01-01' from generate_series(1, 40000) n;
insert into media (owner_id, blob_id, width, height, file_name, created_at)
    select case when n <= 10000 then 2 else n end, n, 9, 9, 'p.png', '2026-01-01' from generate_series(1, 40000) n;
insert into items (owner_id, title, category, price, condition, note, direction, status, counterparty_id, favorite_count, closed_at, created_at, updated_at)
    select owner, 'lamp ' || n, case when n % 2 = 0 then 0 else n % 50 end, 100 + n * 7919 % 3000, n % 101, 'note',
        case when n % 8 = 0 then 'WANT' else 'SELL' end::item_direction, status::item_status,
        case when status = 'CLOSED' and n % 2 = 0 then 1 + n % 7 + case when owner = 1 + n % 7 then 100 else 0 end end,
        case when n = 1 then 100000 else 1 + n * 7919 % 97 end, case when status = 'CLOSED' then at end, at, at
    from (select n, timestamptz '2026-01-01' + n * interval '1 minute' as at, case when n % 4 = 2 then 2 else n end as owner,
            case when n % 100 = 0 then 'DELETED' when n % 4 = 2 and n > 12 or n % 10 = 9 then 'CLOSED' else 'OPEN' end as status
        from generate_series(1, 40000) n) made;
insert into item_images select n, 0, n from generate_series(1, 40000) n;
insert into search_entries (kind, subject_id, version, boost, words)
    select 'ITEM', n, 2, 1, ('''lamp'':1A ''' || n || ''':2A' || case when n % 8000 = 0 then ' ''rare'':3B' else '' end)::tsvector
    from generate_series(1, 40000) n where n % 100 > 0;
insert into search_words values ('lamp', 'ITEM'), ('rare', 'ITEM');
insert into favorites (user_id, item_id, created_at) select n, 1, '2026-01-01' from generate_series(1, 100000) n;
insert into favorites (user_id, item_id, created_at) select 3, n, '2026-01-01' from generate_series(2, 10000) n;
insert into conversations (kind, last_seq, version, last_activity_at)
    select 'GROUP', case when n = 1 then 20000 else 1 end, case when n = 1 then 20000 else 1 end, timestamptz '2026-01-01' + n * interval '1 minute'
    from generate_series(1, 20000) n;
insert into members (conversation_id, user_id) select 1, n from generate_series(1, 500) n;
insert into members (conversation_id, user_id) select n, user_id from generate_series(2, 20000) n cross join lateral (values (1), (500 + n)) people (user_id);
insert into conversations (kind, low_user_id, high_user_id, last_seq, version) select 'DIRECT', 1, n, 1, 1 from generate_series(2, 301) n;
insert into members (conversation_id, user_id) select id, user_id from conversations, lateral (values (low_user_id), (high_user_id)) people (user_id) where kind = 'DIRECT';
insert into messages (conversation_id, seq, sender_id, type, content, is_private)
    select 1, n, case when n % 1000 = 0 then 2 else 1 end, 'TEXT', '{"type": "TEXT", "text": "hello"}', false from generate_series(1, 20000) n;
insert into messages (conversation_id, seq, sender_id, type, content, is_private)
    select id, 1, 1, 'TEXT', '{"type": "TEXT", "text": "hello"}', false from conversations where id > 1;
-- Of the many, eight are pictures and four places; every tenth answers another.
update messages set type = 'PICTURE', content = '{"type": "PICTURE", "media": 1}', media_id = 1 where conversation_id = 1 and seq % 2500 = 7;
update messages set type = 'LOCATION', content = '{"type": "LOCATION", "longitude": 1, "latitude": 2}' where conversation_id = 1 and seq % 5000 = 8;
update messages set reply_to_seq = seq - 5 where conversation_id = 1 and seq % 10 = 0;
insert into tasks (publisher_id, assignee_id, title, content, price, status, accepted_at, finished_at, created_at, updated_at)
    select case when n % 3 = 0 then 1 else 1000 + n end, case when n % 1000 > 2 then case when n % 3 = 1 then 1 else 2 end end, 'lamp ' || n, 'c', n % 1000,
        case when n % 1000 > 2 then 'FINISHED' else 'OPEN' end::task_status, case when n % 1000 > 2 then at end, case when n % 1000 > 2 then at end, at, at
    from (select n, timestamptz '2026-01-01' + n * interval '1 minute' as at from generate_series(1, 30000) n) made;
insert into search_entries (kind, subject_id, version, boost, words)
    select 'TASK', n, 2, 1, ('''lamp'':1A ''' || n || ''':2A')::tsvector from generate_series(1, 30000) n;
insert into products (name, price, stock, supplied, image_id, created_at, updated_at)
    select 'lamp ' || n, 1 + n % 1000, case when n % 1000 = 0 then 1 else 0 end, 9, 1 + n % 7, timestamptz '2026-01-01' + n * interval '1 minute', '2026-01-01'
    from generate_series(1, 10000) n;
insert into search_entries (kind, subject_id, version, boost, words)
    select 'PRODUCT', n, 2, 1, ('''lamp'':1A ''' || n || ''':2A')::tsvector from generate_series(1, 10000) n;
insert into orders (buyer_id, product_id, product_name, price, image_id, address, tracking_number, status, created_at, updated_at)
    select case when n % 3 = 0 then 1 else 1000 + n end, 1 + n % 100, 'lamp', 1, 1, 'here', case when n % 1000 > 2 then 'x' end,
        case when n % 1000 > 2 then 'COMPLETED' else 'PENDING' end::order_status, at, at
    from (select n, timestamptz '2026-01-01' + n * interval '1 minute' as at from generate_series(1, 30000) n) made;
insert into order_events (order_id, actor_id, to_status, at) select id, buyer_id, 'PENDING', created_at from orders;
insert into tickets (author_id, order_id, question, words, created_at, updated_at)
    select buyer_id, id, 'lamp?', ('''lamp'':1A ''' || id || ''':2A')::tsvector, created_at, created_at from orders;
insert into wallets (user_id, balance) select n, 1000000 from generate_series(1, 100) n;
insert into ledger_transfers (reason, note, created_at) select 'ADMIN_ADJUSTMENT', 'n', '2026-01-01' from generate_series(1, 20000) n;
insert into ledger_entries (transfer_id, account, user_id, amount, balance_after)
    select n, 'USER', case when n % 2 = 0 then 1 else 1 + n % 100 end, 1, 1 from generate_series(1, 20000) n;
insert into ledger_entries (transfer_id, account, amount) select n, 'OUTSIDE', -1 from generate_series(1, 20000) n;
insert into events (position, at, kind, audience, audience_id, conversation_id, version, subject_id, seq, user_id, actor_id)
    select n, now(), 'MESSAGE_CREATED', 'CONVERSATION', 1, 1, n, n, n, 1, 1 from generate_series(1, 20000) n;
update event_stream set head = 20000;
update members set is_pinned = true where user_id = 1 and conversation_id % 203 = 0;
update users set role = 'ADMIN' where id = 6;
-- User 1 has 5,000 friends, one in two of them in a group, 10,000 requests in each direction, blocks 10,000 users, and is
-- blocked by 10,000.
insert into relations (low_user_id, high_user_id, friends_since) select 1, n, '2026-01-01' from generate_series(1001, 6000) n;
insert into friend_counts select 1, 5000 union all select n, 1 from generate_series(1001, 6000) n;
insert into friendships (owner_id, friend_id, labels, sort_key, created_at)
    select 1, n, case when n % 1000 = 0 then array['rare'] else '{}' end, 'name ' || n, '2026-01-01' from generate_series(1001, 6000) n;
insert into friendships (owner_id, friend_id, sort_key, created_at) select n, 1, 'name 1', '2026-01-01' from generate_series(1001, 6000) n;
insert into friend_groups (owner_id, name, created_at) select 1, 'half', timestamptz '2026-01-01' union all select 1, 'few', timestamptz '2026-01-01';
insert into friend_group_members select case when friend_id % 2 = 0 then 1 else 2 end, id from friendships
    where owner_id = 1 and (friend_id % 2 = 0 or friend_id % 2000 = 1);
insert into friend_requests (from_user_id, to_user_id, reason, status, hidden, created_at, expires_at, replied_at)
    select case when direction = 0 then 1 else n end, case when direction = 0 then n else 1 end, 'r',
        case when n % 1000 = 0 then 'WAITING' else 'DENIED' end::friend_request_status, n % 10 = 1, '2026-01-01', '2036-01-01',
        case when n % 1000 > 0 then timestamptz '2026-01-02' end
    from generate_series(10001, 20000) n cross join generate_series(0, 1) direction;
insert into blocks (blocker_id, blocked_id, created_at) select 1, n, '2026-01-01' from generate_series(20001, 30000) n;
insert into blocks (blocker_id, blocked_id, created_at) select n, 1, '2026-01-01' from generate_series(30001, 40000) n;
-- All have a position in one city: the friends of user 1 for friends to see, one in ten of the others for nobody, and one in
-- a thousand in one cell.
insert into positions (user_id, cell, visibility, located_at, place)
    select n, n, visibility::position_visibility, now(), case when visibility <> 'NOBODY' then cube(array[
        6371008.8 * cos(latitude) * cos(longitude), 6371008.8 * cos(latitude) * sin(longitude), 6371008.8 * sin(latitude)]) end
    from (select n, radians(121.47 + case when n % 1000 = 0 then n * 1e-12 else (n * 7919 % 1009) * 0.0005 end) as longitude,
            radians(31.23 + case when n % 1000 = 0 then n * 1e-12 else (n * 6101 % 1013) * 0.0004 end) as latitude,
            case when n between 1001 and 6000 then 'FRIENDS' when n % 10 = 7 then 'NOBODY' else 'EVERYBODY' end as visibility
        from generate_series(1, 100000) n) made;
-- Conversations 1 to 20,000 are groups: user 1 is in all of them, owns 500 and manages 500 more; the first has 500 members and
-- 10,000 requests to join, one in a thousand of which waits. User 2 is in the first group alone, and asked to join 10,000.
-- Users 3 and 9 share few groups with user 1.
insert into groups (id, name, intro, owner_id, member_count, disable_add_member, disable_view_member, disable_join_requests,
        enable_history_for_new_members, mute_all, created_at, updated_at)
    select n, 'group ' || n, 'lamps', case when n <= 500 then 1 else 500 + n end, case when n = 1 then 500 else 2 end, false, false,
        false, false, false, at, at
    from (select n, timestamptz '2026-01-01' + n * interval '1 minute' as at from generate_series(1, 20000) n) made;
insert into group_members (group_id, user_id, role, joined_at)
    select 1, n, case when n = 1 then 'OWNER' when n <= 21 then 'MANAGER' else 'GENERAL' end::group_role, '2026-01-01'
    from generate_series(1, 500) n;
insert into group_members (group_id, user_id, role, joined_at)
    select n, user_id, case when role = 'MEMBER' and n <= 500 then 'GENERAL' when role = 'MEMBER' then 'OWNER' when n <= 500 then 'OWNER'
        when n <= 1000 then 'MANAGER' else 'GENERAL' end::group_role, '2026-01-01'
    from generate_series(2, 20000) n cross join lateral (values (1, 'USER 1'), (500 + n, 'MEMBER')) people (user_id, role);
insert into group_members (group_id, user_id, role, joined_at) select n, user_id, 'GENERAL', '2026-01-01'
    from (values (3), (9)) people (user_id) cross join generate_series(2000, 20000, 2000) n;
insert into search_entries (kind, subject_id, version, boost, words)
    select 'GROUP', n, 2, 1, ('''group'':1A ''' || n || ''':2A ''lamps'':3B' || case when n % 2000 = 0 then ' ''rare'':4B' else '' end)::tsvector
    from generate_series(1, 20000) n;
insert into search_words values ('group', 'GROUP'), ('rare', 'GROUP');
insert into group_join_requests (group_id, user_id, reason, status, created_at, expires_at, replied_at)
    select group_id, user_id, 'r', status::friend_request_status, '2026-01-01', case when status = 'EXPIRED' or n % 3000 = 0 then '2026-02-01' else '2036-01-01' end::timestamptz,
        case when status = 'DENIED' then timestamptz '2026-01-02' end
    from (select n, group_id, user_id, case when n % 1000 = 0 then 'WAITING' when n % 1000 = 500 then 'EXPIRED' else 'DENIED' end as status
        from generate_series(1, 10000) n cross join lateral (values (1, 40000 + n), (n + 1, 2)) asked (group_id, user_id)) made;
-- All groups have a place in one city, one in a thousand in one cell.
insert into group_positions (group_id, cell, place)
    select n, n, cube(array[6371008.8 * cos(latitude) * cos(longitude), 6371008.8 * cos(latitude) * sin(longitude), 6371008.8 * sin(latitude)])
    from (select n, radians(121.47 + case when n % 1000 = 0 then n * 1e-12 else (n * 7919 % 1009) * 0.0005 end) as longitude,
            radians(31.23 + case when n % 1000 = 0 then n * 1e-12 else (n * 6101 % 1013) * 0.0004 end) as latitude
        from generate_series(1, 20000) n) made;
-- User 1 has joined all merchants, the first of which has 50,000 members and 5,000 groups; the others have few. Codes were used, but
-- for a few.
insert into merchants (name, icon_id, owner_id, contact_id, member_count, created_at, updated_at)
    select 'merchant ' || n, 1 + n % 7, 500 + n, 500 + n, 2, at, at
    from (select n, timestamptz '2026-01-01' + n * interval '1 minute' as at from generate_series(1, 10000) n) made;
insert into merchant_members (merchant_id, user_id, created_at)
    select n, user_id, '2026-01-01' from generate_series(1, 10000) n cross join lateral (values (500 + n), (1)) people (user_id);
insert into merchant_members (merchant_id, user_id, created_at) select 1, n, '2026-01-01' from generate_series(20001, 70000) n;
insert into merchant_members (merchant_id, user_id, created_at) select n, 9, '2026-01-01' from generate_series(2000, 10000, 2000) n;
insert into activation_codes (code, created_at, merchant_id)
    select lpad(to_hex(n), 32, '0'), '2026-01-01', case when n > 30 then n - 30 end from generate_series(1, 10030) n;
update groups set merchant_id = case when id % 4 = 0 then 1 else id / 4 end where id % 2 = 0 and id >= 8;
insert into search_entries (kind, subject_id, version, boost, words)
    select 'MERCHANT', n, 2, 1, ('''merchant'':1A ''' || n || ''':2A')::tsvector from generate_series(1, 10000) n;
insert into search_words values ('merchant', 'MERCHANT');
