select json_build_object('id', m.id, 'body', m.content->>'text', 'createdAt', m.created_at,
    'sender', json_build_object('username', u.username, 'avatarUrl', b.name))
from messages m join users u on u.id = m.sender_id join media f on f.id = u.avatar_id join blobs b on b.id = f.blob_id
where m.id = :id and m.conversation_id = :conv and m.sender_id = 1;
