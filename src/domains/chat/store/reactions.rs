//! Reactions to messages.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::send::EventName;
use crate::db::schema::reactions;
use crate::db::statement;
use crate::domains::chat::model::Reaction;
use crate::events::EventKind;
use crate::ids::{MessageId, UserId};

statement! {
    /// Adds a reaction to a message, which is locked, unless it is there or the message has too many. Gives how many reactions the
    /// message has then; no row where none was added.
    pub struct AddReaction<'a> {
        message: MessageId,
        user: UserId,
        emoji: &'a str,
        most_emoji: i64,
        most: i64,
        now: DateTime<Utc>,
    } -> diesel::sql_types::Integer
    |this|
    "with added as (insert into reactions (message_id, emoji, user_id, created_at) select id, " [Text: this.emoji] ", "
    [BigInt: &this.user] ", " [Timestamptz: &this.now] " from messages where id = " [BigInt: &this.message]
    " and reaction_count < " [BigInt: &this.most] " and (exists (select from reactions where message_id = "
    [BigInt: &this.message] " and emoji = " [Text: this.emoji] ") or (select count(distinct emoji) from reactions \
       where message_id = " [BigInt: &this.message] ") < " [BigInt: &this.most_emoji]
    ") on conflict do nothing returning message_id) \
     update messages set reaction_count = reaction_count + 1, updated_at = " [Timestamptz: &this.now]
    " from added where id = added.message_id returning reaction_count"
}

/// See [`AddReaction`].
pub async fn add_reaction(mut conn: &AsyncPgConnection, reaction: AddReaction<'_>) -> QueryResult<Option<i32>> {
    reaction.get_result(&mut conn).await.optional()
}

statement! {
    /// Takes a reaction off a message, which is locked. Gives how many reactions the message has then; no row where there was none.
    pub struct RemoveReaction<'a> { message: MessageId, user: UserId, emoji: &'a str, now: DateTime<Utc> }
        -> diesel::sql_types::Integer
    |this|
    "with removed as (delete from reactions where message_id = " [BigInt: &this.message] " and emoji = " [Text: this.emoji]
    " and user_id = " [BigInt: &this.user] " returning message_id) \
     update messages set reaction_count = reaction_count - 1, updated_at = " [Timestamptz: &this.now]
    " from removed where id = removed.message_id returning reaction_count"
}

/// See [`RemoveReaction`].
pub async fn remove_reaction(mut conn: &AsyncPgConnection, reaction: RemoveReaction<'_>) -> QueryResult<Option<i32>> {
    reaction.get_result(&mut conn).await.optional()
}

/// Whether a user has put this emoji on a message.
pub async fn has_reaction(
    mut conn: &AsyncPgConnection,
    message: MessageId,
    user: UserId,
    emoji: &str,
) -> QueryResult<bool> {
    let row = reactions::table.find((message, emoji, user));
    diesel::select(diesel::dsl::exists(row)).get_result(&mut conn).await
}

statement! {
    /// The reactions to some messages, by message and emoji, the first emoji first.
    struct ReactionsTo<'a> { messages: &'a [MessageId] } -> (BigInt, Text, Array<BigInt>)
    |this|
    "select wanted.id, given.emoji, given.users from unnest(" [Array<BigInt>: this.messages] ") as wanted (id) \
     cross join lateral (select emoji, array_agg(user_id order by created_at, user_id) as users, min(created_at) as first \
       from reactions where message_id = wanted.id group by emoji offset 0) given order by wanted.id, given.first, given.emoji"
}

/// The reactions to some messages, each with its message, those of a message in the order in which the emoji came.
pub async fn list_reactions(
    mut conn: &AsyncPgConnection,
    messages: &[MessageId],
) -> QueryResult<Vec<(MessageId, Reaction)>> {
    let rows: Vec<(MessageId, String, Vec<UserId>)> = ReactionsTo { messages }.load(&mut conn).await?;
    Ok(rows.into_iter().map(|(message, emoji, users)| (message, Reaction { emoji, users })).collect())
}

statement! {
    /// Records once what was reacted to a message since that was last told: where a job says so, which is done by that. The
    /// conversation is locked before the job, as a subject is.
    struct RecordReactions<'a> { message: MessageId, job: &'a str } -> BigInt
    |this|
    "with conversation as (update conversations set version = version + 1 from messages where messages.id = "
    [BigInt: &this.message] " and conversations.id = messages.conversation_id \
       and exists (select from jobs where kind = " [Text: this.job] " and subject_id = " [BigInt: &this.message]
    ") returning conversations.id, conversations.version, messages.seq), \
     done as (delete from jobs using conversation where kind = " [Text: this.job] " and subject_id = "
    [BigInt: &this.message] " returning subject_id), \
     recorded as (insert into outbox (kind, audience, audience_id, conversation_id, version, subject_id, seq) select "
    {&EventName(EventKind::ReactionsChanged)} ", 'CONVERSATION', conversation.id, conversation.id, conversation.version, \
       done.subject_id, conversation.seq from conversation cross join done) select count(*) from done"
}

/// See `RecordReactions`; whether there was anything to tell.
pub async fn record_reactions(mut conn: &AsyncPgConnection, message: MessageId, job: &str) -> QueryResult<bool> {
    let recorded: i64 = RecordReactions { message, job }.get_result(&mut conn).await?;
    Ok(recorded > 0)
}
