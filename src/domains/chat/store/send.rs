//! Sending and editing, each in one statement.
//!
//! The statement takes the conversation's row lock, and with it the next seq and version; message and outbox row are
//! inserted behind that lock, so their order is the order of seq. It runs on its own, so the lock is held for one
//! round trip of the database alone. Whether the sender may send was looked at before: `membership_version` makes
//! sure that nothing of that has changed since, for no row comes back when it has.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{MESSAGE, MessageColumns, USER, UserColumns};
use crate::db::schema::{messages, sql_types};
use crate::db::statement;
use crate::domains::accounts::model::User;
use crate::domains::chat::model::{Content, Conversation, Message, MessageType};
use crate::events::EventKind;
use crate::events::store::ConversationEventColumns;
use crate::ids::{ConversationId, MessageId, UserId};

/// Records what happened to the message of a statement's `messages` in its locked `conversation`.
struct RecordMessage(EventKind);

impl QueryFragment<Pg> for RecordMessage {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("insert into outbox (");
        ConversationEventColumns.walk_ast(out.reborrow())?;
        out.push_sql(") select '");
        out.push_sql(self.0.name());
        out.push_sql(
            "', 'CONVERSATION', conversation.id, conversation.id, conversation.version, messages.id, messages.seq, \
             messages.sender_id, messages.sender_id from conversation cross join messages",
        );
        Ok(())
    }
}

statement! {
    /// Appends a message to a conversation and records it.
    pub struct AppendMessage<'a> {
        conversation: &'a Conversation,
        sender: UserId,
        content: &'a Content,
        message_type: MessageType,
        is_private: bool,
        client_message_id: Option<&'a str>,
        input_hash: Option<&'a [u8]>,
        most_unanswered: i32,
        now: DateTime<Utc>,
    } -> (MessageColumns, UserColumns)
    |this|
    "with conversation as (update conversations set last_seq = last_seq + 1, version = version + 1, \
       last_activity_at = " [Timestamptz: &this.now] ", answered = answered or opened_by is distinct from "
    [BigInt: &this.sender] " where id = " [BigInt: &this.conversation.id] " and (answered or opened_by is distinct from "
    [BigInt: &this.sender] " or last_seq < " [Integer: &this.most_unanswered] ") and membership_version = " [Integer: &this.conversation.membership_version]
    " returning id, last_seq, version), \
     messages as (insert into messages (conversation_id, seq, sender_id, type, content, is_private, \
       client_message_id, input_hash, created_at, updated_at) select id, last_seq, " [BigInt: &this.sender] ", "
    [sql_types::MessageType: &this.message_type] ", " [Jsonb: this.content] ", " [Bool: &this.is_private] ", "
    [Nullable<Text>: &this.client_message_id] ", " [Nullable<Binary>: &this.input_hash] ", "
    [Timestamptz: &this.now] ", " [Timestamptz: &this.now]
    " from conversation returning *), \
     own as (update members set own_since_read = own_since_read + 1 where exists (select from conversation) \
       and members.conversation_id = " [BigInt: &this.conversation.id] " and members.user_id = " [BigInt: &this.sender] "), \
     recorded as (" {&RecordMessage(EventKind::MessageCreated)} ") select " {&*MESSAGE} ", "
    {&*USER}
    " from messages join users on users.id = messages.sender_id"
}

statement! {
    /// As [`AppendMessage`], by one who is a member when the statement begins, of a conversation whose other person has not
    /// left. What was seen of its members then must hold once the conversation is locked.
    pub struct AppendMessageAsMember<'a> {
        conversation: ConversationId,
        sender: UserId,
        content: &'a Content,
        message_type: MessageType,
        is_private: bool,
        client_message_id: Option<&'a str>,
        input_hash: Option<&'a [u8]>,
        most_unanswered: i32,
        now: DateTime<Utc>,
    } -> (MessageColumns, UserColumns)
    |this|
    "with seen as (select membership_version from conversations join members on conversation_id = id \
       and user_id = " [BigInt: &this.sender] " and until_seq is null where id = " [BigInt: &this.conversation]
    " and not exists (select from users where deleted_at is not null and users.id = any(array[low_user_id, high_user_id]))), \
     conversation as (update conversations set last_seq = last_seq + 1, version = version + 1, \
       last_activity_at = " [Timestamptz: &this.now] ", answered = answered or opened_by is distinct from "
    [BigInt: &this.sender] " where id = " [BigInt: &this.conversation] " and (answered or opened_by is distinct from "
    [BigInt: &this.sender] " or last_seq < " [Integer: &this.most_unanswered]
    ") and membership_version = (select membership_version from seen) returning id, last_seq, version), \
     messages as (insert into messages (conversation_id, seq, sender_id, type, content, is_private, \
       client_message_id, input_hash, created_at, updated_at) select id, last_seq, " [BigInt: &this.sender] ", "
    [sql_types::MessageType: &this.message_type] ", " [Jsonb: this.content] ", " [Bool: &this.is_private] ", "
    [Nullable<Text>: &this.client_message_id] ", " [Nullable<Binary>: &this.input_hash] ", "
    [Timestamptz: &this.now] ", " [Timestamptz: &this.now]
    " from conversation returning *), \
     own as (update members set own_since_read = own_since_read + 1 where exists (select from conversation) \
       and members.conversation_id = " [BigInt: &this.conversation] " and members.user_id = " [BigInt: &this.sender] "), \
     recorded as (" {&RecordMessage(EventKind::MessageCreated)} ") select " {&*MESSAGE} ", "
    {&*USER}
    " from messages join users on users.id = messages.sender_id"
}

statement! {
    /// Replaces a message's content and records that; the conversation is locked first, as everywhere.
    pub struct EditMessage<'a> {
        message: MessageId,
        conversation: &'a Conversation,
        content: &'a Content,
        now: DateTime<Utc>,
    } -> (MessageColumns, UserColumns)
    |this|
    "with conversation as (update conversations set version = version + 1 where id = "
    [BigInt: &this.conversation.id] " and membership_version = " [Integer: &this.conversation.membership_version]
    " and exists (select from messages where id = " [BigInt: &this.message] " and status = 'NORMAL') \
       returning id, version), \
     messages as (update messages set content = " [Jsonb: this.content] ", edited_at = " [Timestamptz: &this.now]
    ", updated_at = " [Timestamptz: &this.now] " from conversation where messages.id = " [BigInt: &this.message]
    " and messages.status = 'NORMAL' returning messages.*), \
     recorded as (" {&RecordMessage(EventKind::MessageUpdated)} ") select " {&*MESSAGE} ", "
    {&*USER}
    " from messages join users on users.id = messages.sender_id"
}

/// Appends a message. None when the conversation's membership has changed since `conversation` was read, or its opener has
/// sent the most that goes unanswered.
pub async fn append_message(
    mut conn: &AsyncPgConnection,
    message: AppendMessage<'_>,
) -> QueryResult<Option<(Message, User)>> {
    message.get_result(&mut conn).await.optional()
}

/// Appends a message in one look. None when the sender is no member, the other person has left, the opener has sent the most
/// that goes unanswered, or the conversation's membership changes just now.
pub async fn append_as_member(
    mut conn: &AsyncPgConnection,
    message: AppendMessageAsMember<'_>,
) -> QueryResult<Option<(Message, User)>> {
    message.get_result(&mut conn).await.optional()
}

/// Edits a message. None when the conversation's membership, or the message, has changed since.
pub async fn edit_message(mut conn: &AsyncPgConnection, edit: EditMessage<'_>) -> QueryResult<Option<(Message, User)>> {
    edit.get_result(&mut conn).await.optional()
}

/// The message that a sender sent under this client id, with its sender and the hash of what was sent.
pub async fn find_by_client_id(
    mut conn: &AsyncPgConnection,
    sender: UserId,
    client_id: &str,
) -> QueryResult<Option<(Message, User, Option<Vec<u8>>)>> {
    messages::table
        .inner_join(crate::db::schema::users::table)
        .filter(messages::sender_id.eq(sender).and(messages::client_message_id.eq(client_id)))
        .select((Message::as_select(), User::as_select(), messages::input_hash))
        .get_result(&mut conn)
        .await
        .optional()
}
