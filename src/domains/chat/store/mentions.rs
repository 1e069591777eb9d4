//! Which users a member may mention, and what waits for those who are mentioned.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::statement;
use crate::domains::chat::model::Member;
use crate::ids::{ConversationId, UserId};

statement! {
    /// Those of some users that a member of a conversation may mention: present members; of a group with hidden members, where the
    /// sender does not run it, themselves, those who do, and friends of theirs.
    struct MentionableUsers<'a> { conversation: ConversationId, sender: UserId, runs_group: bool, users: &'a [UserId] } -> BigInt
    |this|
    "select members.user_id from unnest(" [Array<BigInt>: this.users] ") as wanted (id) \
     cross join lateral (select user_id, is_staff from members where members.conversation_id = "
    [BigInt: &this.conversation] " and members.user_id = wanted.id and until_seq is null offset 0) members \
     where is_staff or " [Bool: &this.runs_group] " or user_id = " [BigInt: &this.sender]
    " or not exists (select from groups where groups.id = " [BigInt: &this.conversation] " and disable_view_member) \
     or exists (select from friendships where not hidden and owner_id = " [BigInt: &this.sender] " and friend_id = user_id)"
}

/// See `MentionableUsers`.
pub async fn list_mentionable(
    mut conn: &AsyncPgConnection,
    sender: &Member,
    users: &[UserId],
) -> QueryResult<Vec<UserId>> {
    let Member { conversation_id: conversation, user_id: sender, is_staff: runs_group, .. } = *sender;
    MentionableUsers { conversation, sender, runs_group, users }.load(&mut conn).await
}

statement! {
    /// How many messages of others behind a user's read marker mention them, by name or with all, in each of some conversations:
    /// counted up to 1,000.
    struct CountMentions<'a> { user: UserId, conversations: &'a [ConversationId] } -> (BigInt, Integer)
    |this|
    "select members.conversation_id, counted.n from unnest(" [Array<BigInt>: this.conversations] ") as wanted (id) \
     cross join lateral (select members.conversation_id, members.user_id, greatest(read_seq, from_seq - 1) as seen, \
         coalesce(until_seq, 2147483647) as last from members where members.conversation_id = wanted.id \
         and members.user_id = " [BigInt: &this.user] " offset 0) members \
     cross join lateral (select count(*)::integer as n from (select seq from ( \
       select named.seq from message_mentions named where named.conversation_id = members.conversation_id \
         and named.user_id = members.user_id and named.seq > seen and named.seq <= last \
       union select all_named.seq from messages all_named where all_named.conversation_id = members.conversation_id \
         and all_named.mentions_all and all_named.seq > seen and all_named.seq <= last \
         and all_named.sender_id <> members.user_id) mentioning limit 1000) counting) counted where counted.n > 0"
}

/// See `CountMentions`.
pub async fn count_mentions(
    mut conn: &AsyncPgConnection,
    user: UserId,
    conversations: &[ConversationId],
) -> QueryResult<Vec<(ConversationId, i32)>> {
    CountMentions { user, conversations }.load(&mut conn).await
}
