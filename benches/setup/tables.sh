# The peers' tables as Plaza's. Sourced by plaza.sh. Both then answer the same with the same data.
first_media=50000   # 1 to 50,000 are avatars
images="select $first_media + row_number() over (order by item_id, position) as id, item_id, position,
    substring(url from '[0-9a-f]{32}') as name from app.item_images"
messages="select id, conversation_id, row_number() over (partition by conversation_id order by id) as seq, sender_id, body,
    created_at from app.messages"
lengths="select conversation_id, count(*) as n, max(created_at) as at from app.messages group by 1"

copy_to users "id, account_number, username, username_key, nickname, avatar_id, created_at, updated_at" \
    "select id, 10000000 + id, username, username, nickname, id, created_at, created_at from app.accounts"
copy_to profiles "user_id, score, verification" \
    "select id, score, case when verified then 'VERIFIED' else 'NONE' end from app.accounts"
copy_to blobs "id, sha256, content_type, name, size_bytes, stored, uses, wanted_at" \
    "select id, sha256(('avatar' || id)::bytea), 'image/jpeg', substring(avatar_url from '[0-9a-f]{32}') || '.jpg', 1000,
         true, 1, created_at from app.accounts
     union all select id, sha256(('image' || id)::bytea), 'image/jpeg', name || '.jpg', 1000, true, 1, '2025-01-01Z'
         from ($images) i"
copy_to media "id, owner_id, blob_id, width, height, file_name, created_at" \
    "select id, id, id, 100, 100, 'avatar.jpg', created_at from app.accounts
     union all select i.id, t.seller_id, i.id, 100, 100, 'image.jpg', t.created_at
         from ($images) i join app.items t on t.id = i.item_id"
copy_to file_usage "owner_id, files, bytes" \
    "select owner_id, count(*), 1000 * count(*) from (select id as owner_id from app.accounts
         union all select seller_id from app.item_images i join app.items t on t.id = i.item_id) files group by 1"
copy_to items "id, owner_id, title, category, price, condition, note, direction, status, favorite_count, closed_at,
    created_at, updated_at" \
    "select id, seller_id, title, array_position(array['电子','服饰','图书','家居','运动','乐器','母婴','其他'], category) - 1,
         (price * 100)::bigint, condition, description, 'SELL', case when status = 1 then 'OPEN' else 'CLOSED' end,
         coalesce(n, 0), case when status = 1 then null else created_at end, created_at, created_at
     from app.items left join (select item_id, count(*) as n from app.favorites group by 1) f on f.item_id = id"
copy_to item_images "item_id, position, media_id" "select item_id, position, id from ($images) i"
copy_to favorites "id, user_id, item_id, created_at" \
    "select row_number() over (order by created_at), account_id, item_id, created_at from app.favorites"
copy_to conversations "id, kind, low_user_id, high_user_id, last_seq, version, last_activity_at, created_at" \
    "select c.id, 'DIRECT', 1, c.id + 1, coalesce(n, 0), coalesce(n, 0), coalesce(at, c.created_at), c.created_at
     from app.conversations c left join ($lengths) l on l.conversation_id = c.id"
copy_to members "conversation_id, user_id, read_seq, delivered_seq" \
    "select m.conversation_id, m.account_id, coalesce(n, 0), coalesce(n, 0)
     from app.conversation_members m left join ($lengths) l using (conversation_id)"
copy_to messages "id, conversation_id, seq, sender_id, type, content, is_private, created_at, updated_at" \
    "select id, conversation_id, seq, sender_id, 'TEXT', json_build_object('type', 'TEXT', 'text', body), false, created_at,
         created_at from ($messages) m"
# Words are cut by Plaza; version 0 has none yet.
copy_to search_entries "kind, subject_id, version, boost, words" \
    "select 'USER', id, 0, 1, '' from app.accounts
     union all select 'ITEM', id, 0, case when status = 1 then 1 else 0.5 end, '' from app.items"
