\set task random(1000, 100000)
\set task_at 1767225540 + :task * 60
select coalesce(json_agg(json_build_object('id', t.id, 'title', t.title, 'content', t.content,
    'price', (t.price / 100.0)::text, 'createdAt', t.created_at,
    'publisher', json_build_object('username', u.username, 'nickname', u.nickname, 'avatarUrl', b.name))
    order by t.created_at desc, t.id desc), '[]')
from (select * from tasks where status = 'OPEN' and (created_at, id) < (to_timestamp(:task_at::bigint), :task::bigint)
    order by created_at desc, id desc limit 20) t
    join users u on u.id = t.publisher_id left join media a on a.id = u.avatar_id left join blobs b on b.id = a.blob_id;
