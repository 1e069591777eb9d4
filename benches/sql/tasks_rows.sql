\set task random(1000, 100000)
\set task_at 1767225540 + :task * 60
select t.id, t.title, t.content, t.price, t.created_at, u.username, u.nickname, b.name as avatar
from (select * from tasks where status = 'OPEN' and (created_at, id) < (to_timestamp(:task_at::bigint), :task::bigint)
    order by created_at desc, id desc limit 20) t
    join users u on u.id = t.publisher_id left join media a on a.id = u.avatar_id left join blobs b on b.id = a.blob_id
order by t.created_at desc, t.id desc;
