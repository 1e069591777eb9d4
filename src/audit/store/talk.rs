//! What should hold of conversations, their members, and the event stream.

use super::Rule;

/// The rules of this area.
pub const RULES: &[Rule] = &[
    (
        "a conversation's messages have every number once, from 1 on",
        "select 'conversation ' || c.id as subject, 'last ' || last_seq || ', messages ' || count(m.seq) || ' up to '
             || coalesce(max(m.seq), 0) as detail
         from conversations c left join messages m on m.conversation_id = c.id group by c.id
         having last_seq <> count(distinct m.seq) or last_seq <> coalesce(max(m.seq), 0)",
    ),
    (
        "two people who talk are both members, and no other user is",
        "select 'conversation ' || c.id as subject, count(m.user_id) || ' members' as detail
         from conversations c left join members m on m.conversation_id = c.id where c.kind = 'DIRECT' group by c.id
         having count(*) filter (where m.user_id in (c.low_user_id, c.high_user_id)) <> count(m.user_id)
             or count(m.user_id) <> case when c.low_user_id = c.high_user_id then 1 else 2 end",
    ),
    (
        "markers stay within what their member sees",
        "select 'user ' || m.user_id || ' in conversation ' || c.id as subject,
             'read ' || read_seq || ', delivered ' || delivered_seq || ', last ' || least(c.last_seq, m.until_seq) as detail
         from members m join conversations c on c.id = m.conversation_id
         where greatest(read_seq, delivered_seq) > least(c.last_seq, m.until_seq)",
    ),
    (
        "own messages behind a marker are as many as it says",
        "select 'user ' || m.user_id || ' in conversation ' || m.conversation_id as subject,
             'says ' || own_since_read || ', is ' || own.n as detail
         from members m cross join lateral (select count(*) as n from messages where conversation_id = m.conversation_id
             and sender_id = m.user_id and type <> 'SYSTEM' and seq > m.read_seq) own where own_since_read <> own.n",
    ),
    (
        "a message shows its sender's files",
        "select 'message ' || m.id as subject, 'file ' || media.id || ' of user ' || owner_id || ', sent by ' || sender_id as detail
         from messages m join media on media.id = m.media_id where owner_id <> sender_id",
    ),
    (
        "reactions are as many as their message says",
        "select 'message ' || m.id as subject, 'says ' || reaction_count || ', is ' || given.n as detail
         from messages m cross join lateral (select count(*) as n from reactions where message_id = m.id) given
         where reaction_count <> given.n",
    ),
    (
        "messages that a member deleted are as many as the member's row says",
        "select 'user ' || m.user_id || ' in conversation ' || m.conversation_id as subject,
             'says ' || hidden_count || ', is ' || hidden.n as detail
         from members m cross join lateral (select count(*) as n from hidden_messages h
             where h.conversation_id = m.conversation_id and h.user_id = m.user_id) hidden where hidden_count <> hidden.n",
    ),
    (
        "a mention is noted for its user",
        "select 'message ' || m.id as subject, 'mentions ' || m.users || ' others, ' || noted.n || ' are noted' as detail
         from (select id, conversation_id, seq, cardinality(array_remove(mentions, sender_id)) as users from messages
             where mentions is not null) m
         cross join lateral (select count(*) as n from message_mentions named
             where named.conversation_id = m.conversation_id and named.seq = m.seq) noted where noted.n <> m.users
         union all select 'user ' || user_id || ' in conversation ' || named.conversation_id, 'is noted for message ' || named.seq
         from message_mentions named left join messages m on m.conversation_id = named.conversation_id and m.seq = named.seq
         where m.mentions is null or not (m.mentions @> array[user_id])",
    ),
    (
        "no user has pinned more than 100 conversations",
        "select 'user ' || user_id as subject, count(*) || ' are pinned' as detail from members where is_pinned
         group by user_id having count(*) > 100",
    ),
    (
        "the stream has every position once, up to its head",
        "select 'the stream' as subject, 'head ' || head || ', ' || n || ' events up to ' || last || ', dropped through '
             || dropped_through as detail
         from event_stream, lateral (select count(*) as n, count(distinct position) as places,
             coalesce(max(position), dropped_through) as last from events where position > dropped_through) e
         where n <> places or n <> head - dropped_through or last <> head",
    ),
    (
        "events leave the outbox within a minute",
        "select 'event ' || id as subject, 'written at ' || written_at as detail from outbox
         where written_at < now() - interval '1 minute'",
    ),
];
