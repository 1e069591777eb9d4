//! Revoking and deleting messages, and clearing conversations.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::messages::{MessageColumns, MessageFragment};
use super::send::{EventName, RecordMessage};
use super::{USER, UserColumns};
use crate::db::schema::sql_types;
use crate::db::statement;
use crate::domains::accounts::model::User;
use crate::domains::chat::model::{Message, MessageStatus};
use crate::events::EventKind;
use crate::ids::{ConversationId, MessageId, UserId};

statement! {
    by text
    /// Takes the content of a message away from all, with its mentions and reactions, and records that. The conversation and the
    /// message are locked.
    struct RemoveMessage {
        message: MessageId,
        conversation: ConversationId,
        status: MessageStatus,
        revoked_by: Option<UserId>,
        record: RecordMessage,
        now: DateTime<Utc>,
    } -> (MessageColumns, UserColumns)
    |this|
    "with conversation as (update conversations set version = version + 1 where id = " [BigInt: &this.conversation]
    " returning id, version), \
     before as materialized (select conversation_id, seq, mentions from messages where id = " [BigInt: &this.message] "), \
     unmentioned as (delete from message_mentions using before where message_mentions.conversation_id = before.conversation_id \
       and message_mentions.user_id = any(before.mentions) and message_mentions.seq = before.seq), \
     unreacted as (delete from reactions where message_id = " [BigInt: &this.message] "), \
     unfound as (delete from message_words where message_id = " [BigInt: &this.message] "), \
     messages as (update messages set status = " [sql_types::MessageStatus: &this.status] ", content = null, media_id = null, \
       mentions = null, mentions_all = false, reaction_count = 0, revoked_by = " [Nullable<BigInt>: &this.revoked_by]
    ", updated_at = " [Timestamptz: &this.now] " from conversation where messages.id = " [BigInt: &this.message]
    " returning messages.*), \
     recorded as (" {&this.record} ") select "
    {&MessageFragment} ", " {&*USER} " from messages join users on users.id = messages.sender_id"
}

/// See `RemoveMessage`: a message is revoked, or else deleted.
pub async fn remove_message(
    mut conn: &AsyncPgConnection,
    message: &Message,
    actor: UserId,
    is_revoked: bool,
    now: DateTime<Utc>,
) -> QueryResult<(Message, User)> {
    let (status, event) = if is_revoked {
        (MessageStatus::Revoked, EventKind::MessageRevoked)
    } else {
        (MessageStatus::Deleted, EventKind::MessageDeleted)
    };
    let removal = RemoveMessage {
        message: message.id,
        conversation: message.conversation_id,
        status,
        revoked_by: is_revoked.then_some(actor),
        record: RecordMessage { event: EventName(event), actor: Some(actor) },
        now,
    };
    removal.get_result(&mut conn).await
}

statement! {
    /// Takes a message away from one member alone, unless they have taken away too many there, and tells instances and the member's
    /// devices. Nothing happens where it is gone for them already.
    struct HideMessage { message: MessageId, user: UserId, most: i32 } -> BigInt
    |this|
    "with hidden as (insert into hidden_messages (conversation_id, user_id, seq) \
       select messages.conversation_id, members.user_id, messages.seq from messages \
       join members on members.conversation_id = messages.conversation_id and members.user_id = " [BigInt: &this.user]
    " where messages.id = " [BigInt: &this.message] " and members.hidden_count < " [Integer: &this.most]
    " on conflict do nothing returning conversation_id, user_id, seq), \
     counted as (update members set hidden_count = hidden_count + 1 from hidden \
       where members.conversation_id = hidden.conversation_id and members.user_id = hidden.user_id), \
     recorded as (insert into outbox (kind, audience, audience_id, conversation_id, subject_id, seq, user_id, actor_id) \
       select kind, 'USER', user_id, conversation_id, " [BigInt: &this.message]
    ", seq, user_id, user_id from hidden cross join (values ('MEMBERSHIP_CHANGED', 1), ('MESSAGE_DELETED', 2)) told (kind, place) \
       order by place) select count(*) from hidden"
}

/// See `HideMessage`; returns how many were hidden.
pub async fn hide_message(
    mut conn: &AsyncPgConnection,
    message: MessageId,
    user: UserId,
    most: i32,
) -> QueryResult<i64> {
    HideMessage { message, user, most }.get_result(&mut conn).await
}

statement! {
    /// What members deleted for themselves, pair by pair: conversation, member, seq.
    struct HiddenSeqs<'a> { conversations: &'a [ConversationId], users: &'a [UserId] } -> (BigInt, BigInt, Integer)
    |this|
    "select hidden.conversation_id, hidden.user_id, hidden.seq from unnest(" [Array<BigInt>: this.conversations] ", "
    [Array<BigInt>: this.users] ") as wanted (conversation_id, user_id) cross join lateral (select * from hidden_messages \
       where hidden_messages.conversation_id = wanted.conversation_id and hidden_messages.user_id = wanted.user_id offset 0) hidden"
}

/// See `HiddenSeqs`.
pub async fn list_hidden(
    mut conn: &AsyncPgConnection,
    pairs: &[(ConversationId, UserId)],
) -> QueryResult<Vec<(ConversationId, UserId, i32)>> {
    let (conversations, users): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
    HiddenSeqs { conversations: &conversations, users: &users }.load(&mut conn).await
}

statement! {
    /// Moves the beginning of a member's window behind a seq, which they have read, and forgets what they deleted before it. The
    /// conversation is locked. Gives how many windows moved: none where the window began there already.
    struct ClearBefore { conversation: ConversationId, user: UserId, through: i32 } -> BigInt
    |this|
    "with forgotten as (delete from hidden_messages hidden where hidden.conversation_id = " [BigInt: &this.conversation]
    " and hidden.user_id = " [BigInt: &this.user] " and hidden.seq <= " [Integer: &this.through] " returning seq), \
     before as (select from_seq from members where conversation_id = " [BigInt: &this.conversation] " and user_id = "
    [BigInt: &this.user] "), \
     cleared as (update members set from_seq = greatest(from_seq, " [Integer: &this.through]
    " + 1), hidden_count = hidden_count - (select count(*) from forgotten) where conversation_id = "
    [BigInt: &this.conversation] " and user_id = " [BigInt: &this.user] ") \
     select count(*) from before where from_seq <= " [Integer: &this.through]
}

/// See `ClearBefore`; whether anything was cleared.
pub async fn clear_before(
    mut conn: &AsyncPgConnection,
    conversation: ConversationId,
    user: UserId,
    through: i32,
) -> QueryResult<bool> {
    let cleared: i64 = ClearBefore { conversation, user, through }.get_result(&mut conn).await?;
    Ok(cleared > 0)
}
