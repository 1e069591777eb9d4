//! Reading messages.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{CONVERSATION, CardFragment, ConversationColumns, MEMBER, NullableUser, PairJoin, USER, UserColumns, card};
use crate::db::schema::{messages, sql_types};
use crate::db::{Direction, statement};
use crate::domains::accounts::model::User;
use crate::domains::chat::model::{
    Content, Conversation, HeldMessage, Member, Message, MessageCard, MessageMarks, MessageStatus, MessageType,
    RepliedMessage,
};
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
    Nullable<Jsonb>,
    Nullable<Timestamptz>,
);

impl QueryFragment<Pg> for MessageFragment {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "messages.id, messages.conversation_id, messages.seq, messages.sender_id, messages.created_at, \
             case when messages.type = 'TEXT' then messages.content ->> 'text' end, \
             case when messages.type = 'TEXT' and messages.content ? 'text' then null else messages.content end, \
             nullif(messages.type, 'TEXT'), nullif(messages.status, 'NORMAL'), nullif(messages.is_private, false), \
             messages.client_message_id, \
             case when messages.mentions_all or messages.is_forwarded or messages.reaction_count > 0 \
               or num_nonnulls(messages.reply_to_seq, messages.edited_at, messages.mentions, messages.revoked_by) > 0 \
               then jsonb_build_object('reply', messages.reply_to_seq, \
               'edited', (extract(epoch from messages.edited_at) * 1000000)::bigint, \
               'mentions', messages.mentions, 'all', messages.mentions_all, 'forwarded', messages.is_forwarded, \
               'reactions', messages.reaction_count, 'by', messages.revoked_by) end, nullif(messages.updated_at, messages.created_at)",
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
        Option<MessageMarks>,
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
            marks,
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
            marks: marks.map(Arc::new),
            created_at,
            updated_at: updated.unwrap_or(created_at),
        })
    }
}

/// That a user did not delete one of `messages` for themselves, as a condition.
pub struct NotHidden(pub UserId);

impl QueryFragment<Pg> for NotHidden {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "not exists (select from hidden_messages hidden where hidden.conversation_id = messages.conversation_id \
             and hidden.seq = messages.seq and hidden.user_id = ",
        );
        out.push_bind_param::<BigInt, _>(&self.0)?;
        out.push_sql(")");
        Ok(())
    }
}

/// Between which ids a page of messages lies, the newest first, and in which order it is read.
pub struct IdBounds {
    /// Behind this id.
    pub after: MessageId,
    /// Before this id.
    pub before: MessageId,
    /// The order.
    pub direction: Direction,
}

impl Default for IdBounds {
    fn default() -> Self {
        Self { after: MessageId(0), before: MessageId(i64::MAX), direction: Direction::Descending }
    }
}

impl IdBounds {
    /// The bounds of a page.
    #[must_use]
    pub fn of(page: &PageRequest<MessageId>) -> Self {
        let all = Self::default();
        match page.cursor {
            Some(cursor) if page.backward => Self { after: cursor, direction: Direction::Ascending, ..all },
            None if page.backward => Self { direction: Direction::Ascending, ..all },
            cursor => Self { before: cursor.unwrap_or(all.before), ..all },
        }
    }
}

/// Columns of a conversation with its people, of a message, and of its sender.
type FullColumns = (ConversationColumns, NullableUser, NullableUser, MessageColumns, UserColumns);

type FullRow = (Conversation, Option<User>, Option<User>, Message, User);

statement! {
    /// A message that the person may see, with its sender.
    struct VisibleMessage { id: MessageId, viewer: UserId, not_hidden: NotHidden } -> (MessageColumns, UserColumns)
    |this|
    "select " {&MessageFragment} ", " {&*USER} " from messages join users on users.id = messages.sender_id \
     cross join lateral (select from_seq, until_seq, hidden_count from members where members.conversation_id = messages.conversation_id \
       and members.user_id = " [BigInt: &this.viewer] " offset 0) members \
     where messages.id = " [BigInt: &this.id] " and messages.seq >= members.from_seq \
     and (members.until_seq is null or messages.seq <= members.until_seq) \
     and (members.hidden_count = 0 or " {&this.not_hidden} ")"
}

/// A message that the person may see.
pub async fn find_visible_message(
    mut conn: &AsyncPgConnection,
    id: MessageId,
    viewer: UserId,
) -> QueryResult<Option<(Message, User)>> {
    VisibleMessage { id, viewer, not_hidden: NotHidden(viewer) }.get_result(&mut conn).await.optional()
}

/// The columns of a member that may be none.
type NullableMember = Nullable<diesel::dsl::SqlTypeOf<<Member as Selectable<Pg>>::SelectExpression>>;

statement! {
    /// Locks a message, with its sender, its conversation, and a user's membership there. What the user deleted for themselves is
    /// not there for them.
    struct HoldMessage { id: MessageId, user: UserId, not_hidden: NotHidden } -> (MessageColumns, UserColumns, ConversationColumns, NullableMember)
    |this|
    "select " {&MessageFragment} ", " {&*USER} ", " {&*CONVERSATION} ", " {&*MEMBER} " from messages \
     join users on users.id = messages.sender_id join conversations on conversations.id = messages.conversation_id \
     left join members on members.conversation_id = messages.conversation_id and members.user_id = " [BigInt: &this.user]
    " and messages.seq >= members.from_seq and (members.until_seq is null or messages.seq <= members.until_seq) \
       and " {&this.not_hidden} " where messages.id = " [BigInt: &this.id] " for no key update of messages"
}

/// See `HoldMessage`; without the membership where the user may not see the message.
pub async fn hold_message(
    mut conn: &AsyncPgConnection,
    id: MessageId,
    user: UserId,
) -> QueryResult<Option<HeldMessage>> {
    let row: Option<(Message, User, Conversation, Option<Member>)> =
        HoldMessage { id, user, not_hidden: NotHidden(user) }.get_result(&mut conn).await.optional()?;
    Ok(row.map(|(message, sender, conversation, member)| HeldMessage { message, sender, conversation, member }))
}

/// The conversation of a message, visible or not.
pub async fn find_conversation_of(mut conn: &AsyncPgConnection, id: MessageId) -> QueryResult<Option<ConversationId>> {
    let row = messages::table.find(id).select(messages::conversation_id);
    row.get_result(&mut conn).await.optional()
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
        reactions: None,
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
    /// Messages by conversation and seq, each with its sender, and whether no member's window begins behind it.
    pub struct RepliedMessages<'a> { conversations: &'a [ConversationId], seqs: &'a [i32] }
        -> (MessageColumns, UserColumns, Bool)
    |this|
    "with windows as materialized (select conversation_id, max(from_seq) as last_start from members \
       where conversation_id = any(" [Array<BigInt>: this.conversations] ") group by conversation_id) \
     select " {&MessageFragment} ", " {&*USER} ", windows.last_start <= messages.seq from unnest("
    [Array<BigInt>: this.conversations] ", " [Array<Integer>: this.seqs]
    ") as wanted (conversation_id, seq) join messages using (conversation_id, seq) join users on users.id = sender_id \
     join windows on windows.conversation_id = messages.conversation_id"
}

/// The messages at these places, which others answer, in no order.
pub async fn list_replied_messages(
    mut conn: &AsyncPgConnection,
    places: &[(ConversationId, i32)],
) -> QueryResult<Vec<RepliedMessage>> {
    let (conversations, seqs): (Vec<_>, Vec<_>) = places.iter().copied().unzip();
    let rows: Vec<(Message, User, bool)> =
        RepliedMessages { conversations: &conversations, seqs: &seqs }.load(&mut conn).await?;
    let replied = |(message, sender, is_seen_by_all)| RepliedMessage {
        card: Arc::new(MessageCard { message, sender: Arc::new(sender), conversation: None, reactions: None }),
        is_seen_by_all,
    };
    Ok(rows.into_iter().map(replied).collect())
}

statement! {
    /// Deletes the messages that show files in a user's notes to themselves, with what is known of them: no other user sees these.
    struct DeleteNotedFiles { user: UserId, now: DateTime<Utc> } -> BigInt
    |this|
    "with gone as (update messages set status = 'DELETED', content = null, media_id = null, mentions = null, \
       mentions_all = false, reaction_count = 0, updated_at = " [Timestamptz: &this.now]
    " from conversations where low_user_id = " [BigInt: &this.user] " and high_user_id = " [BigInt: &this.user]
    " and messages.conversation_id = conversations.id and media_id is not null returning messages.id), \
     unreacted as (delete from reactions using gone where reactions.message_id = gone.id) select count(*) from gone"
}

/// See `DeleteNotedFiles`.
pub async fn delete_noted_files(mut conn: &AsyncPgConnection, user: UserId, now: DateTime<Utc>) -> QueryResult<i64> {
    DeleteNotedFiles { user, now }.get_result(&mut conn).await
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
