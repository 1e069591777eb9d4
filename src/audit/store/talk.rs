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
             and sender_id = m.user_id and seq > m.read_seq) own where own_since_read <> own.n",
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
