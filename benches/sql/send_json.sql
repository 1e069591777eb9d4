select json_build_object('id', m.id, 'body', m.body, 'createdAt', m.created_at,
    'sender', json_build_object('username', a.username, 'avatarUrl', a.avatar_url))
from app.messages m join app.accounts a on a.id = m.sender_id
where m.id = :id and m.conversation_id = :conv and m.sender_id = 1;
