//! What was said in a conversation, as lists of messages by seq.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Integer, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::messages::{MessageColumns, MessageFragment, NotHidden};
use crate::db::schema::sql_types;
use crate::db::{Direction, Limit, statement};
use crate::domains::chat::model::{Message, MessageList, MessageType, SentFilter};
use crate::ids::{ConversationId, UserId};
use crate::page::PageRequest;

impl QueryFragment<Pg> for SentFilter {
    /// As conditions on `messages`; what tells of a group's members has no sender.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let Some(sender) = &self.sender {
            out.push_sql(" and messages.type <> 'SYSTEM' and messages.sender_id = ");
            out.push_bind_param::<BigInt, _>(sender)?;
        }
        if let Some(from) = &self.from {
            out.push_sql(" and messages.created_at >= ");
            out.push_bind_param::<Timestamptz, _>(from)?;
        }
        if let Some(until) = &self.until {
            out.push_sql(" and messages.created_at <= ");
            out.push_bind_param::<Timestamptz, _>(until)?;
        }
        Ok(())
    }
}

/// What of its conversation a list has, but for types that lead to an index.
struct ListCut<'a> {
    list: &'a MessageList,
    not_hidden: Option<NotHidden>,
}

impl<'a> ListCut<'a> {
    fn of(list: &'a MessageList) -> Self {
        Self { list, not_hidden: list.hidden_from.map(NotHidden) }
    }
}

impl QueryFragment<Pg> for ListCut<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let Some(types) = self.list.types.as_ref().filter(|_| indexed_types(self.list).is_none()) {
            out.push_sql(" and messages.type = any(");
            out.push_bind_param::<Array<sql_types::MessageType>, _>(types)?;
            out.push_sql(")");
        }
        self.list.sent.walk_ast(out.reborrow())?;
        if let Some(not_hidden) = &self.not_hidden {
            out.push_sql(" and ");
            not_hidden.walk_ast(out.reborrow())?;
        }
        Ok(())
    }
}

/// The types of a list, where texts are not among them: these are read by their index. Nearly all messages are texts.
fn indexed_types(list: &MessageList) -> Option<&[MessageType]> {
    list.types.as_deref().filter(|types| !types.contains(&MessageType::Text))
}

statement! {
    by text
    /// A conversation's messages between two seqs.
    struct MessagesBetween<'a> {
        conversation: ConversationId,
        from: i32,
        until: i32,
        cut: ListCut<'a>,
        direction: Direction,
        limit: Limit,
    } -> MessageColumns
    |this|
    "select " {&MessageFragment} " from messages where conversation_id = " [BigInt: &this.conversation]
    " and seq between " [Integer: &this.from] " and " [Integer: &this.until] {&this.cut}
    " order by seq " {&this.direction} " limit " {&this.limit}
}

statement! {
    by text
    /// A conversation's messages of one or more types between two seqs, texts not among them: a page of each type by its index.
    struct MessagesOfTypes<'a> {
        conversation: ConversationId,
        types: &'a [MessageType],
        from: i32,
        until: i32,
        cut: ListCut<'a>,
        direction: Direction,
        limit: Limit,
    } -> MessageColumns
    |this|
    "select " {&MessageFragment} " from unnest(" [Array<sql_types::MessageType>: this.types] ") as wanted (type) \
     cross join lateral (select * from messages where messages.conversation_id = " [BigInt: &this.conversation]
    " and messages.type = wanted.type and messages.type <> 'TEXT' and messages.seq between " [Integer: &this.from] " and "
    [Integer: &this.until] {&this.cut} " order by messages.seq " {&this.direction} " limit " {&this.limit}
    ") messages order by messages.seq " {&this.direction} " limit " {&this.limit}
}

/// The seqs that a page is among: on its side of the cursor.
fn page_seqs(list: &MessageList, page: &PageRequest<i32>) -> (i32, i32) {
    let (from, until) = (list.from_seq, list.until_seq);
    match (page.cursor, page.backward) {
        (Some(seq), false) => (from.max(seq.saturating_add(1)), until),
        (Some(seq), true) => (from, until.min(seq.saturating_sub(1))),
        (None, _) => (from, until),
    }
}

/// A page of a list, in the direction of the request.
pub async fn list_messages(
    mut conn: &AsyncPgConnection,
    list: &MessageList,
    page: &PageRequest<i32>,
) -> QueryResult<Vec<Message>> {
    let (from, until) = page_seqs(list, page);
    let direction = if page.backward { Direction::Descending } else { Direction::Ascending };
    let (conversation, cut, limit) = (list.conversation, ListCut::of(list), Limit(page.limit()));
    match indexed_types(list) {
        None => MessagesBetween { conversation, from, until, cut, direction, limit }.load(&mut conn).await,
        Some(types) => {
            MessagesOfTypes { conversation, types, from, until, cut, direction, limit }.load(&mut conn).await
        }
    }
}

statement! {
    by text
    /// Counts what [`MessagesBetween`] lists, up to a bound.
    struct CountBetween<'a> { list: &'a MessageList, cut: ListCut<'a>, bound: i64 } -> BigInt
    |this|
    "select count(*) from (select from messages where conversation_id = " [BigInt: &this.list.conversation]
    " and seq between " [Integer: &this.list.from_seq] " and " [Integer: &this.list.until_seq] {&this.cut} " limit "
    [BigInt: &this.bound] ") counted"
}

statement! {
    by text
    /// Counts what [`MessagesOfTypes`] lists, up to a bound.
    struct CountOfTypes<'a> { list: &'a MessageList, types: &'a [MessageType], cut: ListCut<'a>, bound: i64 } -> BigInt
    |this|
    "select count(*) from (select from unnest(" [Array<sql_types::MessageType>: this.types] ") as wanted (type) \
     cross join lateral (select from messages where messages.conversation_id = " [BigInt: &this.list.conversation]
    " and messages.type = wanted.type and messages.type <> 'TEXT' and messages.seq between "
    [Integer: &this.list.from_seq] " and " [Integer: &this.list.until_seq] {&this.cut}
    " offset 0) of_type limit " [BigInt: &this.bound] ") counted"
}

/// How many messages a list has, counted up to a bound.
pub async fn count_messages(mut conn: &AsyncPgConnection, list: &MessageList, bound: i64) -> QueryResult<i64> {
    let cut = ListCut::of(list);
    match indexed_types(list) {
        None => CountBetween { list, cut, bound }.get_result(&mut conn).await,
        Some(types) => CountOfTypes { list, types, cut, bound }.get_result(&mut conn).await,
    }
}

statement! {
    /// The seqs of a conversation's first messages sent at some times or later; one behind the last where there is none. Found by
    /// halving: seqs have no gaps, and are in the order of time, but for the clocks of several instances.
    struct SeqsAt<'a> { conversation: ConversationId, from: i32, until: i32, times: &'a [DateTime<Utc>] } -> Integer
    |this|
    "with recursive halves (place, sent_at, low, high) as ( \
       select place, sent_at, " [Integer: &this.from] ", greatest(" [Integer: &this.from] ", " [Integer: &this.until]
    " + 1) from unnest(" [Array<Timestamptz>: this.times] ") with ordinality as wanted (sent_at, place) \
       union all select place, sent_at, case when middle.created_at < sent_at then (low + high) / 2 + 1 else low end, \
         case when middle.created_at < sent_at then high else (low + high) / 2 end from halves \
         cross join lateral (select created_at from messages where conversation_id = " [BigInt: &this.conversation]
    " and seq = (low + high) / 2 offset 0) middle where low < high) \
     select low from halves where low = high order by place"
}

/// See `SeqsAt`; for each time, in their order.
pub async fn list_seqs_at(
    mut conn: &AsyncPgConnection,
    list: &MessageList,
    times: &[DateTime<Utc>],
) -> QueryResult<Vec<i32>> {
    let MessageList { conversation, from_seq, until_seq, .. } = *list;
    SeqsAt { conversation, from: from_seq, until: until_seq, times }.load(&mut conn).await
}

statement! {
    /// The newest message of each conversation that a member sees, where they deleted messages for themselves.
    struct LastShownSeqs<'a> { conversations: &'a [ConversationId], user: UserId, not_hidden: NotHidden } -> (BigInt, Integer)
    |this|
    "select members.conversation_id, shown.seq from unnest(" [Array<BigInt>: this.conversations] ") as wanted (id) \
     cross join lateral (select members.conversation_id, from_seq, least(until_seq, last_seq) as last_seq from members \
       join conversations on conversations.id = members.conversation_id \
       where members.conversation_id = wanted.id and members.user_id = " [BigInt: &this.user] " offset 0) members \
     cross join lateral (select seq from messages where messages.conversation_id = members.conversation_id \
       and messages.seq between from_seq and last_seq and " {&this.not_hidden} " order by seq desc limit 1) shown"
}

/// The seq of the newest message that a user sees in each of some conversations, without those that they deleted for themselves.
pub async fn list_last_shown(
    mut conn: &AsyncPgConnection,
    conversations: &[ConversationId],
    user: UserId,
) -> QueryResult<Vec<(ConversationId, i32)>> {
    LastShownSeqs { conversations, user, not_hidden: NotHidden(user) }.load(&mut conn).await
}
