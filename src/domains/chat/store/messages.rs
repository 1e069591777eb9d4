//! Reading messages.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{CardFragment, ConversationColumns, NullableUser, PairJoin, USER, UserColumns, card};
use crate::db::schema::sql_types;
use crate::db::{Direction, Limit, statement};
use crate::domains::accounts::model::User;
use crate::domains::chat::model::{Content, Conversation, Message, MessageCard, MessageStatus, MessageType};
use crate::ids::{ConversationId, MessageId, UserId};
use crate::page::PageRequest;

/// The columns of a message. What nearly all messages have in common is null, which costs nothing to send and to read: a page
/// has hundreds of values. The words of a text come as they are, as a `jsonb` costs four times as much.
pub struct MessageFragment;

/// The SQL types of [`MessageFragment`].
pub type MessageColumns = (
    BigInt,
    BigInt,
    Integer,
    BigInt,
    Timestamptz,
    Nullable<Text>,
    Nullable<Jsonb>,
    Nullable<sql_types::MessageType>,
    Nullable<sql_types::MessageStatus>,
    Nullable<Bool>,
    Nullable<Text>,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
);

impl QueryFragment<Pg> for MessageFragment {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "messages.id, messages.conversation_id, messages.seq, messages.sender_id, messages.created_at, \
             case when messages.type = 'TEXT' then messages.content ->> 'text' end, \
             case when messages.type = 'TEXT' and messages.content ? 'text' then null else messages.content end, \
             nullif(messages.type, 'TEXT'), nullif(messages.status, 'NORMAL'), nullif(messages.is_private, false), \
             messages.client_message_id, messages.edited_at, nullif(messages.updated_at, messages.created_at)",
        );
        Ok(())
    }
}

impl Queryable<MessageColumns, Pg> for Message {
    type Row = (
        MessageId,
        ConversationId,
        i32,
        UserId,
        DateTime<Utc>,
        Option<String>,
        Option<Content>,
        Option<MessageType>,
        Option<MessageStatus>,
        Option<bool>,
        Option<String>,
        Option<DateTime<Utc>>,
        Option<DateTime<Utc>>,
    );

    fn build(row: Self::Row) -> diesel::deserialize::Result<Self> {
        let (
            id,
            conversation_id,
            seq,
            sender_id,
            created_at,
            text,
            content,
            type_,
            status,
            private,
            client_id,
            edited,
            updated,
        ) = row;
        Ok(Self {
            id,
            conversation_id,
            seq,
            sender_id,
            type_: type_.unwrap_or(MessageType::Text),
            content: text.map(|text| Content::Text { text }).or(content),
            is_private: private.unwrap_or_default(),
            status: status.unwrap_or(MessageStatus::Normal),
            client_message_id: client_id,
            edited_at: edited,
            created_at,
            updated_at: updated.unwrap_or(created_at),
        })
    }
}

/// Columns of a conversation with its people, of a message, and of its sender.
type FullColumns = (ConversationColumns, NullableUser, NullableUser, MessageColumns, UserColumns);

type FullRow = (Conversation, Option<User>, Option<User>, Message, User);

statement! {
    by text
    /// A conversation's messages between two seqs.
    pub struct MessagesBetween { conversation: ConversationId, from: i32, until: i32, direction: Direction, limit: Limit }
        -> MessageColumns
    |this|
    "select " {&MessageFragment} " from messages where conversation_id = " [BigInt: &this.conversation]
    " and seq between " [Integer: &this.from] " and " [Integer: &this.until]
    " order by seq " {&this.direction} " limit " {&this.limit}
}

/// A page of a conversation's messages between two seqs, in the direction of the request.
pub async fn list_messages(
    mut conn: &AsyncPgConnection,
    conversation: ConversationId,
    from: i32,
    until: i32,
    page: &PageRequest<i32>,
) -> QueryResult<Vec<Message>> {
    let (from, until) = match (page.cursor, page.backward) {
        (Some(seq), false) => (from.max(seq.saturating_add(1)), until),
        (Some(seq), true) => (from, until.min(seq.saturating_sub(1))),
        (None, _) => (from, until),
    };
    let direction = if page.backward { Direction::Descending } else { Direction::Ascending };
    let limit = Limit(page.limit());
    MessagesBetween { conversation, from, until, direction, limit }.load(&mut conn).await
}

statement! {
    /// A message that the person may see, with its sender.
    struct VisibleMessage { id: MessageId, viewer: UserId } -> (MessageColumns, UserColumns)
    |this|
    "select " {&MessageFragment} ", " {&*USER} " from messages join users on users.id = messages.sender_id \
     cross join lateral (select from_seq, until_seq from members where members.conversation_id = messages.conversation_id \
       and members.user_id = " [BigInt: &this.viewer] " offset 0) members \
     where messages.id = " [BigInt: &this.id] " and messages.seq >= members.from_seq \
     and (members.until_seq is null or messages.seq <= members.until_seq)"
}

/// A message that the person may see.
pub async fn find_visible_message(
    mut conn: &AsyncPgConnection,
    id: MessageId,
    viewer: UserId,
) -> QueryResult<Option<(Message, User)>> {
    VisibleMessage { id, viewer }.get_result(&mut conn).await.optional()
}

statement! {
    /// Messages by id, each with its conversation and its sender.
    struct MessageCardsByIds<'a> { ids: &'a [MessageId] } -> FullColumns
    |this|
    "select " {&CardFragment} ", " {&MessageFragment} ", " {&*USER} " from messages \
     cross join lateral (select conversations.* from conversations where conversations.id = messages.conversation_id offset 0) \
     conversations" {&PairJoin} " join users on users.id = messages.sender_id where messages.id = any("
    [Array<BigInt>: &this.ids] ")"
}

/// Messages by id, each with its sender and its conversation, in one statement.
pub async fn list_message_cards(mut conn: &AsyncPgConnection, ids: &[MessageId]) -> QueryResult<Vec<MessageCard>> {
    let rows: Vec<FullRow> = MessageCardsByIds { ids }.load(&mut conn).await?;
    let cards = rows.into_iter().map(|(conversation, low, high, message, sender)| MessageCard {
        message,
        sender: Arc::new(sender),
        conversation: Some(Arc::new(card((conversation, low, high)))),
    });
    Ok(cards.collect())
}

statement! {
    /// Messages by conversation and seq, each with its sender.
    pub struct MessagesAt<'a> { conversations: &'a [ConversationId], seqs: &'a [i32] }
        -> (MessageColumns, UserColumns)
    |this|
    "select " {&MessageFragment} ", "
    {&*USER}
    " from unnest(" [Array<BigInt>: this.conversations]
    ", " [Array<Integer>: this.seqs]
    ") as wanted (conversation_id, seq) join messages using (conversation_id, seq) join users on users.id = sender_id"
}

/// The messages at these places, each with its sender, in no order.
pub async fn list_messages_at(
    mut conn: &AsyncPgConnection,
    places: &[(ConversationId, i32)],
) -> QueryResult<Vec<(Message, User)>> {
    let (conversations, seqs): (Vec<_>, Vec<_>) = places.iter().copied().unzip();
    MessagesAt { conversations: &conversations, seqs: &seqs }.load(&mut conn).await
}

statement! {
    /// The message that a sender sent under a client id, with its sender and the hash of what was sent.
    struct MessageOfClientId<'a> { sender: UserId, client_id: &'a str } -> (MessageColumns, UserColumns, Nullable<Binary>)
    |this|
    "select " {&MessageFragment} ", " {&*USER} ", messages.input_hash from messages join users on users.id = messages.sender_id \
     where messages.sender_id = " [BigInt: &this.sender] " and messages.client_message_id = " [Text: this.client_id]
}

/// The message that a sender sent under this client id, with its sender and the hash of what was sent.
pub async fn find_by_client_id(
    mut conn: &AsyncPgConnection,
    sender: UserId,
    client_id: &str,
) -> QueryResult<Option<(Message, User, Option<Vec<u8>>)>> {
    MessageOfClientId { sender, client_id }.get_result(&mut conn).await.optional()
}
