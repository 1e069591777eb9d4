\set person random(50001, 50064)
select coalesce(json_agg(json_build_object('id', id, 'title', peer_nickname, 'unreadCount', unread,
    'updatedAt', last_activity_at,
    'peer', json_build_object('username', peer_username, 'nickname', peer_nickname),
    'lastMessage', json_build_object('id', message_id, 'createdAt', message_at, 'body', text,
        'sender', json_build_object('username', sender_username))) order by last_activity_at desc, id desc), '[]')
from (
    select c.id, c.last_activity_at, c.last_seq - m.read_seq - m.own_since_read as unread, p.username as peer_username,
        p.nickname as peer_nickname, l.id as message_id, l.created_at as message_at, l.content->>'text' as text,
        s.username as sender_username
    from members m join conversations c on c.id = m.conversation_id and c.last_seq >= m.from_seq
        join users p on p.id = case when c.low_user_id = m.user_id then c.high_user_id else c.low_user_id end
        join messages l on l.conversation_id = c.id and l.seq = c.last_seq
        join users s on s.id = l.sender_id
    where m.user_id = :person::bigint order by c.last_activity_at desc, c.id desc limit 20) page;
