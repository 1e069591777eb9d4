//! Sending and editing, each in one statement.
//!
//! The statement takes the conversation's row lock, and with it the next seq and version; message and outbox row are
//! inserted behind that lock, so their order is the order of seq. It runs on its own, so the lock is held for one
//! round trip of the database alone. Whether the sender may send was looked at before: `membership_version` makes
//! sure that nothing of that has changed since, for no row comes back when it has.
//!
//! `AppendMessages` does that for the messages of many requests at once: a commit and what surrounds a statement cost more
//! than a message.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::messages::{MessageColumns, MessageFragment};
use super::{USER, UserColumns};
use crate::db::schema::sql_types;
use crate::db::statement;
use crate::domains::accounts::model::User;
use crate::domains::chat::model::{Content, Conversation, Message, MessageType, NewMessage};
use crate::events::EventKind;
use crate::events::store::ConversationEventColumns;
use crate::ids::{ConversationId, MediaId, MessageId, UserId};

/// Records what happened to the message of a statement's `messages` in its locked `conversation`, by its sender or by another user.
pub(super) struct RecordMessage {
    /// What happened.
    pub(super) event: EventName,
    /// Who did it, if not its sender.
    pub(super) actor: Option<UserId>,
}

impl QueryFragment<Pg> for RecordMessage {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("insert into outbox (");
        ConversationEventColumns.walk_ast(out.reborrow())?;
        out.push_sql(") select ");
        self.event.walk_ast(out.reborrow())?;
        out.push_sql(
            ", 'CONVERSATION', conversation.id, conversation.id, conversation.version, messages.id, messages.seq, \
             messages.sender_id, ",
        );
        match &self.actor {
            Some(actor) => out.push_bind_param::<BigInt, _>(actor)?,
            None => out.push_sql("messages.sender_id"),
        }
        out.push_sql(" from conversation cross join messages");
        Ok(())
    }
}

/// The name of a kind of event, as a literal.
pub(super) struct EventName(pub(super) EventKind);

impl QueryFragment<Pg> for EventName {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for part in ["'", self.0.name(), "'"] {
            out.push_sql(part);
        }
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
        media: Option<MediaId>,
        reply_to_seq: Option<i32>,
        mentions: Option<&'a [UserId]>,
        mentions_all: bool,
        is_forwarded: bool,
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
       media_id, reply_to_seq, mentions, mentions_all, is_forwarded, client_message_id, input_hash, created_at, updated_at) \
       select id, last_seq, " [BigInt: &this.sender] ", "
    [sql_types::MessageType: &this.message_type] ", " [Jsonb: this.content] ", " [Bool: &this.is_private] ", "
    [Nullable<BigInt>: &this.media] ", " [Nullable<Integer>: &this.reply_to_seq] ", "
    [Nullable<Array<BigInt>>: &this.mentions] ", " [Bool: &this.mentions_all] ", " [Bool: &this.is_forwarded] ", "
    [Nullable<Text>: &this.client_message_id] ", " [Nullable<Binary>: &this.input_hash] ", "
    [Timestamptz: &this.now] ", " [Timestamptz: &this.now]
    " from conversation returning *), \
     own as (update members set read_seq = last_seq, read_at = " [Timestamptz: &this.now] ", delivered_seq = last_seq, \
       fetched_seq = coalesce(fetched_seq, delivered_seq), own_since_read = 0 from conversation where members.conversation_id = " [BigInt: &this.conversation.id]
    " and members.user_id = " [BigInt: &this.sender] "), \
     mentioned as (insert into message_mentions (conversation_id, user_id, seq) select conversation_id, mentioned, seq \
       from messages cross join unnest(mentions) as mentioned where mentioned <> sender_id), \
     recorded as (" {&RecordMessage { event: EventName(EventKind::MessageCreated), actor: None }} ") select " {&MessageFragment} ", "
    {&*USER}
    " from messages join users on users.id = messages.sender_id"
}

statement! {
    /// Appends messages to conversations whose senders are members, and records them: at most one of a sender in each
    /// conversation. Gives the places of those that were appended, from 1, with their ids and seqs.
    ///
    /// Left out are those that need a closer look: of no member, to a person who has left or gets no more, under a client id
    /// that was used; or while another transaction has the conversation or the membership, so this one waits for none.
    /// A lock may find a newer row than the statement's snapshot: with the version that the snapshot has, a change of members
    /// between the two is noticed.
    struct AppendMessages<'a> { columns: &'a NewMessageColumns, now: DateTime<Utc> } -> (BigInt, BigInt, Integer)
    |this|
    "with input as materialized (select * from unnest(" [Array<BigInt>: &this.columns.conversations] ", "
    [Array<BigInt>: &this.columns.senders] ", " [Array<Integer>: &this.columns.most_unanswered] ", "
    [Array<sql_types::MessageType>: &this.columns.types] ", " [Array<Jsonb>: &this.columns.contents] ", "
    [Array<Bool>: &this.columns.are_private] ", " [Array<Nullable<Text>>: &this.columns.client_message_ids] ", "
    [Array<Nullable<Binary>>: &this.columns.input_hashes]
    ") with ordinality as input (conversation_id, sender_id, most_unanswered, type, content, is_private, \
       client_message_id, input_hash, place)), \
     locked as materialized (select input.*, last_seq, version from input \
       join conversations on conversations.id = input.conversation_id \
       join members on members.conversation_id = input.conversation_id and members.user_id = input.sender_id \
       where members.until_seq is null and not (low_blocks or high_blocks) and (not mute_all or is_staff) \
       and (muted_until is null or muted_until <= " [Timestamptz: &this.now] ") and (answered or opened_by is distinct from sender_id or last_seq < most_unanswered) \
       and membership_version = (select membership_version from conversations seen where seen.id = input.conversation_id) \
       and not exists (select from users where deleted_at is not null and users.id = any(array[low_user_id, high_user_id])) \
       and (client_message_id is null or not exists (select from messages where messages.sender_id = input.sender_id \
         and messages.client_message_id = input.client_message_id)) \
       for no key update of conversations, members skip locked), \
     appended as materialized (select *, nextval('messages_id_seq') as id, last_seq + number::integer as seq from ( \
       select *, row_number() over (partition by conversation_id order by place) as number from locked) as numbered order by place), \
     conversation as (update conversations set last_seq = last_seq + added.count, version = version + added.count, \
       last_activity_at = " [Timestamptz: &this.now] ", answered = answered or opened_by is distinct from added.low_sender \
         or opened_by is distinct from added.high_sender \
       from (select conversation_id, count(*)::integer as count, min(sender_id) as low_sender, max(sender_id) as high_sender \
         from appended group by conversation_id) as added where id = added.conversation_id), \
     messages as (insert into messages (id, conversation_id, seq, sender_id, type, content, is_private, media_id, \
       client_message_id, input_hash, created_at, updated_at) overriding system value \
       select id, conversation_id, seq, sender_id, type, content, is_private, (content ->> 'media')::bigint, \
         client_message_id, input_hash, "
    [Timestamptz: &this.now] ", " [Timestamptz: &this.now] " from appended), \
     own as (update members set read_seq = appended.seq, read_at = " [Timestamptz: &this.now] ", delivered_seq = appended.seq, \
       fetched_seq = coalesce(fetched_seq, delivered_seq), own_since_read = 0 from appended where members.conversation_id = appended.conversation_id and members.user_id = appended.sender_id), \
     recorded as (insert into outbox (" {&ConversationEventColumns} ") select " {&EventName(EventKind::MessageCreated)}
    ", 'CONVERSATION', conversation_id, conversation_id, version + number, id, seq, sender_id, sender_id from appended) \
     select place, id, seq from appended"
}

/// Messages to append, as a list for each column.
#[derive(Default)]
struct NewMessageColumns {
    conversations: Vec<ConversationId>,
    senders: Vec<UserId>,
    most_unanswered: Vec<i32>,
    types: Vec<MessageType>,
    contents: Vec<Content>,
    are_private: Vec<bool>,
    client_message_ids: Vec<Option<String>>,
    input_hashes: Vec<Option<Vec<u8>>>,
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
     recorded as (" {&RecordMessage { event: EventName(EventKind::MessageUpdated), actor: None }} ") select " {&MessageFragment} ", "
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

/// Appends messages; the id and seq of each, in their order. None for those that need a closer look: see `AppendMessages`.
pub async fn append_messages(
    mut conn: &AsyncPgConnection,
    messages: Vec<NewMessage>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Option<(MessageId, i32)>>> {
    let mut appended = vec![None; messages.len()];
    let mut columns = NewMessageColumns::default();
    for message in messages {
        columns.conversations.push(message.conversation);
        columns.senders.push(message.sender);
        columns.most_unanswered.push(message.most_unanswered);
        columns.types.push(message.content.message_type());
        columns.contents.push(message.content);
        columns.are_private.push(message.is_private);
        columns.client_message_ids.push(message.client_message_id);
        columns.input_hashes.push(message.input_hash);
    }
    let rows: Vec<(i64, MessageId, i32)> = AppendMessages { columns: &columns, now }.load(&mut conn).await?;
    for (place, id, seq) in rows {
        if let Some(outcome) = usize::try_from(place).ok().and_then(|place| appended.get_mut(place.checked_sub(1)?)) {
            *outcome = Some((id, seq));
        }
    }
    Ok(appended)
}

/// Edits a message. None when the conversation's membership, or the message, has changed since.
pub async fn edit_message(mut conn: &AsyncPgConnection, edit: EditMessage<'_>) -> QueryResult<Option<(Message, User)>> {
    edit.get_result(&mut conn).await.optional()
}
