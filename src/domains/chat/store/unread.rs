//! What users have not read, counted.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::statement;
use crate::domains::chat::model::UnreadTotals;
use crate::ids::UserId;

statement! {
    /// What a user has not read, as `unreadCount` of each of their conversations has it: messages, and conversations with any,
    /// up to a bound of these.
    pub struct CountUnread { user: UserId, bound: i64 } -> (BigInt, BigInt)
    |this|
    "select coalesce(sum(unread), 0)::bigint, count(*) from ( \
       select least(last_seq, until_seq) - greatest(read_seq, from_seq - 1) - own_since_read as unread \
       from members join conversations on conversations.id = members.conversation_id where members.user_id = "
    [BigInt: &this.user]
    " and least(last_seq, until_seq) - greatest(read_seq, from_seq - 1) - own_since_read > 0 limit "
    [BigInt: &this.bound] ") counted"
}

/// See [`CountUnread`].
pub async fn count_unread(mut conn: &AsyncPgConnection, user: UserId, bound: i64) -> QueryResult<UnreadTotals> {
    let (messages, conversations): (i64, i64) = CountUnread { user, bound }.get_result(&mut conn).await?;
    Ok(UnreadTotals { messages, conversations })
}
