//! What messages say, as words: making them behind the stream of events, and finding messages by them.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::messages::{IdBounds, MessageColumns, MessageFragment, NotHidden};
use crate::db::{Limit, statement};
use crate::domains::chat::model::{IndexProgress, IndexedText, Message, MessageQuery};
use crate::ids::{ConversationId, MessageId, UserId};
use crate::page::PageRequest;

/// The columns of what is indexed: message, conversation, text.
type TextColumns = (BigInt, BigInt, Text);

statement! {
    /// How far words are made, and the head of the stream.
    struct IndexPosition {} -> (SmallInt, BigInt, Nullable<BigInt>, BigInt, BigInt)
    |_unused|
    "select version, position, rest_after, rest_until, (select head from event_stream) from message_index"
}

/// How far words are made.
pub async fn get_progress(mut conn: &AsyncPgConnection) -> QueryResult<IndexProgress> {
    let (version, position, rest_after, rest_until, head): (i16, i64, Option<i64>, i64, i64) =
        IndexPosition {}.get_result(&mut conn).await?;
    Ok(IndexProgress { version, position, rest_after, rest_until, head })
}

statement! {
    /// Notes how far words are made, if it is still as was seen.
    struct MoveIndex<'a> { seen: &'a IndexProgress, now: &'a IndexProgress } -> BigInt
    |this|
    "update message_index set version = " [SmallInt: &this.now.version] ", position = " [BigInt: &this.now.position]
    ", rest_after = " [Nullable<BigInt>: &this.now.rest_after] ", rest_until = " [BigInt: &this.now.rest_until]
    " where version = " [SmallInt: &this.seen.version] " and position = " [BigInt: &this.seen.position]
    " and rest_after is not distinct from " [Nullable<BigInt>: &this.seen.rest_after]
}

/// See `MoveIndex`; false where another instance was first.
pub async fn move_progress(
    mut conn: &AsyncPgConnection,
    seen: &IndexProgress,
    now: &IndexProgress,
) -> QueryResult<bool> {
    MoveIndex { seen, now }.execute(&mut conn).await.map(|moved| moved == 1)
}

statement! {
    /// Messages that were sent or edited between two positions of the stream.
    struct ToldMessages { after: i64, through: i64 } -> BigInt
    |this|
    "select distinct subject_id from events where position > " [BigInt: &this.after] " and position <= " [BigInt: &this.through]
    " and kind in ('MESSAGE_CREATED', 'MESSAGE_UPDATED') and subject_id is not null order by subject_id"
}

/// See `ToldMessages`.
pub async fn list_told(mut conn: &AsyncPgConnection, after: i64, through: i64) -> QueryResult<Vec<MessageId>> {
    ToldMessages { after, through }.load(&mut conn).await
}

statement! {
    /// Texts of messages by id, of those that can be read.
    struct TextsByIds<'a> { ids: &'a [MessageId] } -> TextColumns
    |this|
    "select id, conversation_id, content ->> 'text' from messages where id = any(" [Array<BigInt>: &this.ids]
    ") and type = 'TEXT' and status = 'NORMAL' and not is_private and content ? 'text'"
}

/// See `TextsByIds`.
pub async fn list_texts(mut conn: &AsyncPgConnection, ids: &[MessageId]) -> QueryResult<Vec<IndexedText>> {
    let rows: Vec<(MessageId, ConversationId, String)> = TextsByIds { ids }.load(&mut conn).await?;
    Ok(rows.into_iter().map(|(id, conversation, text)| IndexedText { id, conversation, text }).collect())
}

statement! {
    /// Ids of messages behind one, of those that were there before.
    struct RestOfMessages { after: i64, until: i64, limit: i64 } -> BigInt
    |this|
    "select id from messages where id > " [BigInt: &this.after] " and id <= " [BigInt: &this.until] " order by id limit "
    [BigInt: &this.limit]
}

/// See `RestOfMessages`.
pub async fn list_rest(
    mut conn: &AsyncPgConnection,
    after: i64,
    until: i64,
    limit: i64,
) -> QueryResult<Vec<MessageId>> {
    RestOfMessages { after, until, limit }.load(&mut conn).await
}

statement! {
    /// Writes the words of messages that still say the same: of one that is being edited or revoked, the end of that is waited for.
    struct WriteWords<'a> { ids: &'a [MessageId], texts: &'a [String], words: &'a [String] } -> BigInt
    |this|
    "insert into message_words (message_id, words, edited_at) select messages.id, made.words::tsvector, edited_at from unnest("
    [Array<BigInt>: this.ids] ", " [Array<Text>: this.texts] ", " [Array<Text>: this.words]
    ") as made (id, text, words) join messages on messages.id = made.id where messages.status = 'NORMAL' \
       and messages.content ->> 'text' = made.text order by messages.id for share of messages \
     on conflict (message_id) do update set words = excluded.words, edited_at = excluded.edited_at"
}

/// See `WriteWords`.
pub async fn write_words(
    mut conn: &AsyncPgConnection,
    ids: &[MessageId],
    texts: &[String],
    words: &[String],
) -> QueryResult<usize> {
    WriteWords { ids, texts, words }.execute(&mut conn).await
}

statement! {
    /// A user's conversations, the latest first, past ones among them.
    struct ConversationsOf { user: UserId, limit: i64 } -> BigInt
    |this|
    "select id from members join conversations on conversations.id = members.conversation_id where members.user_id = "
    [BigInt: &this.user] " order by last_activity_at desc limit " [BigInt: &this.limit]
}

/// See `ConversationsOf`.
pub async fn list_conversations_of(
    mut conn: &AsyncPgConnection,
    user: UserId,
    limit: i64,
) -> QueryResult<Vec<ConversationId>> {
    ConversationsOf { user, limit }.load(&mut conn).await
}

/// The messages between two ids that have some words and that a user sees, as the rest of a statement behind its columns: `messages`,
/// and `found.message_id` in order.
struct FoundMessages<'a> {
    query: &'a MessageQuery,
    user: UserId,
    not_hidden: NotHidden,
    bounds: IdBounds,
}

impl<'a> FoundMessages<'a> {
    fn new(query: &'a MessageQuery, user: UserId, bounds: IdBounds) -> Self {
        Self { query, user, not_hidden: NotHidden(user), bounds }
    }
}

impl QueryFragment<Pg> for FoundMessages<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" from (select message_id, edited_at from message_words where words @@ ");
        out.push_bind_param::<Text, _>(&self.query.words)?;
        out.push_sql("::tsquery and message_id > ");
        out.push_bind_param::<BigInt, _>(&self.bounds.after)?;
        out.push_sql(" and message_id < ");
        out.push_bind_param::<BigInt, _>(&self.bounds.before)?;
        out.push_sql(" order by message_id ");
        self.bounds.direction.walk_ast(out.reborrow())?;
        out.push_sql(
            " offset 0) found cross join lateral (select * from messages where messages.id = found.message_id offset 0) messages \
             cross join lateral (select from_seq, until_seq, hidden_count from members where members.user_id = ",
        );
        out.push_bind_param::<BigInt, _>(&self.user)?;
        out.push_sql(
            " and members.conversation_id = messages.conversation_id offset 0) members \
             where messages.status = 'NORMAL' and messages.edited_at is not distinct from found.edited_at and messages.seq >= from_seq and (until_seq is null or messages.seq <= until_seq) \
             and (hidden_count = 0 or ",
        );
        self.not_hidden.walk_ast(out.reborrow())?;
        out.push_sql(")");
        self.query.sent.walk_ast(out)
    }
}

statement! {
    by text
    /// A page of the messages that have some words and that a user sees, by id.
    struct MessagesFound<'a> { found: FoundMessages<'a>, limit: Limit } -> MessageColumns
    |this|
    "select " {&MessageFragment} {&this.found} " order by found.message_id " {&this.found.bounds.direction} " limit " {&this.limit}
}

/// A page of the messages that a query finds, the newest first.
pub async fn list_found(
    mut conn: &AsyncPgConnection,
    query: &MessageQuery,
    user: UserId,
    page: &PageRequest<MessageId>,
) -> QueryResult<Vec<Message>> {
    let found = FoundMessages::new(query, user, IdBounds::of(page));
    MessagesFound { found, limit: Limit(page.limit()) }.load(&mut conn).await
}

statement! {
    by text
    /// Counts what [`MessagesFound`] pages through, up to a bound.
    struct CountFoundMessages<'a> { found: FoundMessages<'a>, bound: i64 } -> BigInt
    |this|
    "select count(*) from (select" {&this.found} " limit " [BigInt: &this.bound] ") counted"
}

/// How many messages a query finds, up to a bound.
pub async fn count_found(
    mut conn: &AsyncPgConnection,
    query: &MessageQuery,
    user: UserId,
    bound: i64,
) -> QueryResult<i64> {
    let found = FoundMessages::new(query, user, IdBounds::default());
    CountFoundMessages { found, bound }.get_result(&mut conn).await
}
