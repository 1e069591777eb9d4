//! Messages of all conversations: those that a user sees, and those that an administrator looks at.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::messages::{IdBounds, MessageColumns, MessageFragment, NotHidden};
use crate::db::schema::sql_types;
use crate::db::{Direction, Limit, statement};
use crate::domains::chat::model::{Message, MessageSpot, MessageView, ReviewFilter};
use crate::ids::{ConversationId, MessageId, UserId};
use crate::page::PageRequest;

/// The messages that a user sees in each of their conversations, between two places, as `messages`.
struct SeenMessages {
    user: UserId,
    only_unfetched: bool,
    behind: MessageSpot,
    before: MessageSpot,
    not_hidden: NotHidden,
}

impl SeenMessages {
    fn of(user: UserId, only_unfetched: bool, page: Option<&PageRequest<MessageSpot>>) -> Self {
        let (mut behind, mut before) = (MessageSpot::FIRST, MessageSpot::LAST);
        if let Some((cursor, backward)) = page.and_then(|page| Some((page.cursor?, page.backward))) {
            *(if backward { &mut before } else { &mut behind }) = cursor;
        }
        Self { user, only_unfetched, behind, before, not_hidden: NotHidden(user) }
    }
}

impl QueryFragment<Pg> for SeenMessages {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Self { only_unfetched, behind, before, not_hidden, .. } = self;
        out.push_sql(" from members cross join lateral (select * from messages where messages.conversation_id = members.conversation_id \
                      and messages.seq between greatest(from_seq, case when ");
        out.push_bind_param::<Bool, _>(only_unfetched)?;
        out.push_sql(" then coalesce(fetched_seq, delivered_seq) + 1 end, case when members.conversation_id = ");
        out.push_bind_param::<BigInt, _>(&behind.conversation)?;
        out.push_sql(" then ");
        out.push_bind_param::<Integer, _>(&behind.seq)?;
        out.push_sql(" + 1 end) and least(until_seq, case when members.conversation_id = ");
        out.push_bind_param::<BigInt, _>(&before.conversation)?;
        out.push_sql(" then ");
        out.push_bind_param::<Integer, _>(&before.seq)?;
        out.push_sql(" - 1 else 2147483647 end) and ");
        not_hidden.walk_ast(out)
    }
}

/// The user's memberships in the conversations between the two places.
struct SeenConversations {
    user: UserId,
    first: ConversationId,
    last: ConversationId,
}

impl SeenConversations {
    fn of(seen: &SeenMessages) -> Self {
        Self { user: seen.user, first: seen.behind.conversation, last: seen.before.conversation }
    }
}

impl QueryFragment<Pg> for SeenConversations {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" where members.user_id = ");
        out.push_bind_param::<BigInt, _>(&self.user)?;
        out.push_sql(" and members.conversation_id between ");
        out.push_bind_param::<BigInt, _>(&self.first)?;
        out.push_sql(" and ");
        out.push_bind_param::<BigInt, _>(&self.last)?;
        Ok(())
    }
}

statement! {
    by text
    /// A page of what a user sees, by conversation and seq.
    struct MessagesSeen { seen: SeenMessages, conversations: SeenConversations, direction: Direction, limit: Limit } -> MessageColumns
    |this|
    "select " {&MessageFragment} {&this.seen} " order by messages.seq " {&this.direction} " limit " {&this.limit} ") messages"
    {&this.conversations} " order by members.conversation_id " {&this.direction} ", messages.seq "
    {&this.direction} " limit " {&this.limit}
}

/// A page of the messages that a user sees, of those that none of their devices has fetched where that is asked for.
pub async fn list_seen(
    mut conn: &AsyncPgConnection,
    user: UserId,
    only_unfetched: bool,
    page: &PageRequest<MessageSpot>,
) -> QueryResult<Vec<Message>> {
    let seen = SeenMessages::of(user, only_unfetched, Some(page));
    let direction = if page.backward { Direction::Descending } else { Direction::Ascending };
    MessagesSeen { conversations: SeenConversations::of(&seen), seen, direction, limit: Limit(page.limit()) }
        .load(&mut conn)
        .await
}

statement! {
    /// Counts what [`MessagesSeen`] pages through, up to a bound.
    struct CountSeen { seen: SeenMessages, conversations: SeenConversations, bound: i64 } -> BigInt
    |this|
    "select count(*) from (select" {&this.seen} " offset 0) messages" {&this.conversations} " limit "
    [BigInt: &this.bound] ") counted"
}

/// How many messages a user sees, as [`list_seen`], counted up to a bound.
pub async fn count_seen(
    mut conn: &AsyncPgConnection,
    user: UserId,
    only_unfetched: bool,
    bound: i64,
) -> QueryResult<i64> {
    let seen = SeenMessages::of(user, only_unfetched, None);
    CountSeen { conversations: SeenConversations::of(&seen), seen, bound }.get_result(&mut conn).await
}

/// Which messages an administrator looks at, as conditions on `messages`.
struct ReviewCut<'a>(&'a ReviewFilter);

impl QueryFragment<Pg> for ReviewCut<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let ReviewFilter { conversation, types, sent } = self.0;
        if let Some(conversation) = conversation {
            out.push_sql(" and messages.conversation_id = ");
            out.push_bind_param::<BigInt, _>(conversation)?;
        }
        if let Some(types) = types {
            out.push_sql(" and messages.type = any(");
            out.push_bind_param::<Array<sql_types::MessageType>, _>(types)?;
            out.push_sql(")");
        }
        sent.walk_ast(out)
    }
}

statement! {
    by text
    /// A page of all messages, by id.
    struct MessagesReviewed<'a> { cut: ReviewCut<'a>, bounds: IdBounds, limit: Limit } -> MessageColumns
    |this|
    "select " {&MessageFragment} " from messages where messages.id > " [BigInt: &this.bounds.after] " and messages.id < "
    [BigInt: &this.bounds.before] {&this.cut} " order by messages.id " {&this.bounds.direction} " limit " {&this.limit}
}

/// A page of all messages, the newest first.
pub async fn list_reviewed(
    mut conn: &AsyncPgConnection,
    filter: &ReviewFilter,
    page: &PageRequest<MessageId>,
) -> QueryResult<Vec<Message>> {
    let query = MessagesReviewed { cut: ReviewCut(filter), bounds: IdBounds::of(page), limit: Limit(page.limit()) };
    query.load(&mut conn).await
}

statement! {
    by text
    /// Counts what [`MessagesReviewed`] pages through, up to a bound.
    struct CountReviewed<'a> { cut: ReviewCut<'a>, bound: i64 } -> BigInt
    |this|
    "select count(*) from (select from messages where messages.id > 0" {&this.cut} " limit " [BigInt: &this.bound] ") counted"
}

/// How many messages there are, as [`list_reviewed`], counted up to a bound.
pub async fn count_reviewed(mut conn: &AsyncPgConnection, filter: &ReviewFilter, bound: i64) -> QueryResult<i64> {
    CountReviewed { cut: ReviewCut(filter), bound }.get_result(&mut conn).await
}

statement! {
    /// Notes what an administrator looked at.
    struct InsertView<'a> { view: &'a MessageView<'a>, now: DateTime<Utc> } -> BigInt
    |this|
    "insert into message_views (admin_id, asked, messages, viewed_at) values (" [BigInt: &this.view.admin] ", "
    [Text: this.view.asked] "::jsonb, " [Integer: &this.view.messages] ", " [Timestamptz: &this.now] ") returning id"
}

/// See `InsertView`.
pub async fn insert_view(
    mut conn: &AsyncPgConnection,
    view: &MessageView<'_>,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    InsertView { view, now }.execute(&mut conn).await
}
