//! What members choose for conversations.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::members;
use crate::db::statement;
use crate::ids::{ConversationId, UserId};

statement! {
    /// Changes what a member chose for a conversation, and tells their own devices. Nothing but the member's row is locked.
    pub struct ChangeSettings {
        conversation: ConversationId,
        user: UserId,
        pinned: Option<bool>,
        muted: Option<bool>,
        hidden: Option<bool>,
        last: i32,
    } -> BigInt
    |this|
    "with wanted as materialized (select conversation_id, user_id, coalesce(" [Nullable<Bool>: &this.pinned]
    ", is_pinned) as is_pinned, coalesce(" [Nullable<Bool>: &this.muted]
    ", is_silent) as is_silent, case " [Nullable<Bool>: &this.hidden] " when true then " [Integer: &this.last]
    " when false then null else hidden_through end as hidden_through from members where conversation_id = " [BigInt: &this.conversation] " and user_id = "
    [BigInt: &this.user]
    " for no key update), \
     changed as (update members set is_pinned = wanted.is_pinned, is_silent = wanted.is_silent, \
         hidden_through = wanted.hidden_through from wanted \
       where members.conversation_id = wanted.conversation_id and members.user_id = wanted.user_id \
       and (members.is_pinned, members.is_silent, members.hidden_through) \
         is distinct from (wanted.is_pinned, wanted.is_silent, wanted.hidden_through) \
       returning members.conversation_id, members.user_id), \
     recorded as (insert into outbox (kind, audience, audience_id, conversation_id, user_id) \
       select 'CONVERSATION_CHANGED', 'USER', user_id, conversation_id, user_id from changed) \
     select count(*) from changed"
}

/// See [`ChangeSettings`]; returns how many changed.
pub async fn change_settings(mut conn: &AsyncPgConnection, change: &ChangeSettings) -> QueryResult<i64> {
    let ChangeSettings { conversation, user, pinned, muted, hidden, last } = *change;
    ChangeSettings { conversation, user, pinned, muted, hidden, last }.get_result(&mut conn).await
}

/// How many conversations a user has pinned beside one, counted up to a bound.
pub async fn count_other_pinned(
    mut conn: &AsyncPgConnection,
    user: UserId,
    beside: ConversationId,
    bound: i64,
) -> QueryResult<i64> {
    let pinned = members::table.filter(members::user_id.eq(user)).filter(members::is_pinned);
    let others = pinned.filter(members::conversation_id.ne(beside)).select(members::conversation_id).limit(bound);
    let found: Vec<ConversationId> = others.load(&mut conn).await?;
    Ok(i64::try_from(found.len()).unwrap_or(bound))
}
