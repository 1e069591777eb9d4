\set person random(50001, 50064)
select c.id, c.last_activity_at, c.last_seq - m.read_seq - m.own_since_read as unread, p.username, p.nickname,
    l.id, l.created_at, l.content, s.username
from members m join conversations c on c.id = m.conversation_id and c.last_seq >= m.from_seq
    join users p on p.id = case when c.low_user_id = m.user_id then c.high_user_id else c.low_user_id end
    join messages l on l.conversation_id = c.id and l.seq = c.last_seq
    join users s on s.id = l.sender_id
where m.user_id = :person::bigint order by c.last_activity_at desc, c.id desc limit 20;
