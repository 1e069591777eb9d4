//! Moving read markers, and what members have fetched.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::messages::{MessageColumns, MessageFragment, NotHidden};
use crate::db::schema::{conversations, members};
use crate::db::statement;
use crate::domains::chat::model::{ConversationKind, Message};
use crate::ids::{ConversationId, UserId};

/// Conversations that are marked as read in one transaction.
const BATCH_LIMIT: i64 = 200;

statement! {
    /// Locks conversations in id order, and a user's memberships in them. A membership is looked up by its key alone.
    struct LockForMarking<'a> { user: UserId, ids: &'a [ConversationId] } -> (BigInt, Integer, Nullable<Integer>)
    |this|
    "with locked as materialized (select id, last_seq from conversations where id = any(" [Array<BigInt>: &this.ids]
    ") order by id for update) select locked.id, locked.last_seq, member.until_seq from locked \
     cross join lateral (select until_seq from members where members.conversation_id = locked.id and members.user_id = "
    [BigInt: &this.user] " for update) member order by locked.id"
}

/// Locks conversations that a user is a member of, in id order, and returns how far each goes for them.
pub async fn lock_for_marking(
    mut conn: &AsyncPgConnection,
    user: UserId,
    ids: &[ConversationId],
) -> QueryResult<Vec<(ConversationId, i32, Option<i32>)>> {
    LockForMarking { user, ids }.load(&mut conn).await
}

/// Whether a batch of [`list_unread`] is as large as one can be.
#[must_use]
pub fn is_full_batch(unread: &[(ConversationId, ConversationKind)]) -> bool {
    i64::try_from(unread.len()).is_ok_and(|count| count >= BATCH_LIMIT)
}

/// Some of the conversations behind one in which a user has something unread, each with its kind, by id.
pub async fn list_unread(
    mut conn: &AsyncPgConnection,
    user: UserId,
    after: ConversationId,
) -> QueryResult<Vec<(ConversationId, ConversationKind)>> {
    let read_all = members::read_seq.nullable().ge(members::until_seq);
    conversations::table
        .inner_join(members::table)
        .filter(members::user_id.eq(user).and(members::conversation_id.gt(after)))
        .filter(members::read_seq.lt(conversations::last_seq))
        .filter(members::until_seq.is_null().or(diesel::dsl::not(read_all)))
        .order(members::conversation_id)
        .select((conversations::id, conversations::kind))
        .limit(BATCH_LIMIT)
        .load(&mut conn)
        .await
}

statement! {
    /// Moves a user's read markers forward, and records those that moved: for both people, or for the reader's own devices
    /// where one of the two blocks the other. The conversations are locked, so the own
    /// messages behind a marker are counted on the side of it with fewer messages.
    pub struct MoveReadMarkers<'a> {
        user: UserId,
        conversations: &'a [ConversationId],
        seqs: &'a [i32],
        now: DateTime<Utc>,
    } -> BigInt
    |this|
    "with marker as (update members set read_seq = wanted.seq, read_at = " [Timestamptz: &this.now]
    ", delivered_seq = greatest(delivered_seq, wanted.seq), \
       fetched_seq = greatest(coalesce(fetched_seq, delivered_seq), wanted.seq), own_since_read = case \
         when wanted.seq - members.read_seq < last_seq - wanted.seq then greatest(0, own_since_read - ( \
           select count(*) from messages m where m.conversation_id = members.conversation_id \
           and m.seq > members.read_seq and m.seq <= wanted.seq and m.sender_id = members.user_id and m.type <> 'SYSTEM')) \
         else (select count(*) from messages m where m.conversation_id = members.conversation_id \
           and m.seq > wanted.seq and m.sender_id = members.user_id and m.type <> 'SYSTEM') end \
       from (select conversation_id, seq, " [BigInt: &this.user] " as user_id from unnest("
    [Array<BigInt>: this.conversations] ", " [Array<Integer>: this.seqs] ") pairs (conversation_id, seq) offset 0) as wanted \
       join conversations on conversations.id = wanted.conversation_id \
       where members.conversation_id = wanted.conversation_id \
       and members.user_id = wanted.user_id and members.read_seq < wanted.seq \
       returning members.conversation_id, members.read_seq), \
     bumped as (update conversations set version = version + 1 from marker where id = marker.conversation_id \
       returning id, version, low_blocks or high_blocks as is_blocked), \
     recorded as (insert into outbox (kind, audience, audience_id, conversation_id, version, seq, user_id) \
       select 'CONVERSATION_READ', case when is_blocked then 'USER' else 'CONVERSATION' end, \
         case when is_blocked then " [BigInt: &this.user] " else id end, id, case when not is_blocked then version end, \
         read_seq, " [BigInt: &this.user]
    " from bumped join marker on marker.conversation_id = bumped.id order by bumped.id) \
     select count(*) from bumped"
}

statement! {
    /// Moves a user's read markers in groups forward, to a seq or as far as they see, and tells their own devices. Nothing
    /// but the member's row is locked. Of the own messages, those that the marker passes are taken off, counted in one snapshot on
    /// the side of it with fewer messages: what is sent meanwhile lies behind the marker and stays counted. With `offset 0` a
    /// membership is looked up by its key: PostgreSQL would read all of the user's, which are many for a few users. Where another
    /// device moves the same marker at the same moment, the one that comes second moves nothing, and is to look again.
    pub struct MoveGroupMarkers<'a> {
        user: UserId,
        conversations: &'a [ConversationId],
        up_to: Option<i32>,
        now: DateTime<Utc>,
    } -> BigInt
    |this|
    "with marker as (update members set read_seq = wanted.seq, read_at = " [Timestamptz: &this.now]
    ", delivered_seq = greatest(delivered_seq, wanted.seq), \
       fetched_seq = greatest(coalesce(fetched_seq, delivered_seq), wanted.seq), \
       own_since_read = greatest(0, members.own_since_read - case \
         when wanted.seq - wanted.read_seq < last_seq - wanted.seq then ( \
           select count(*) from messages m where m.conversation_id = members.conversation_id \
           and m.seq > wanted.read_seq and m.seq <= wanted.seq and m.sender_id = members.user_id and m.type <> 'SYSTEM') \
         else wanted.own_since_read - (select count(*) from messages m where m.conversation_id = members.conversation_id \
           and m.seq > wanted.seq and m.sender_id = members.user_id and m.type <> 'SYSTEM') end) \
       from (select wanted.id, last_seq, least(last_seq, before.until_seq, " [Nullable<Integer>: &this.up_to]
    ") as seq, before.user_id, before.read_seq, before.own_since_read from unnest(" [Array<BigInt>: this.conversations]
    ") wanted (id) cross join lateral (select last_seq from conversations where conversations.id = wanted.id \
           and kind = 'GROUP' offset 0) conversation \
         cross join lateral (select user_id, until_seq, read_seq, own_since_read from members \
           where conversation_id = wanted.id and user_id = " [BigInt: &this.user] " offset 0) before) as wanted \
       where members.conversation_id = wanted.id and members.user_id = wanted.user_id \
       and members.read_seq = wanted.read_seq and members.read_seq < wanted.seq \
       returning members.conversation_id, members.read_seq), \
     recorded as (insert into outbox (kind, audience, audience_id, conversation_id, seq, user_id) \
       select 'CONVERSATION_READ', 'USER', " [BigInt: &this.user] ", conversation_id, read_seq, " [BigInt: &this.user]
    " from marker order by conversation_id) select count(*) from marker"
}

/// See [`MoveGroupMarkers`]; returns how many moved.
pub async fn move_group_markers(mut conn: &AsyncPgConnection, markers: &MoveGroupMarkers<'_>) -> QueryResult<i64> {
    let MoveGroupMarkers { user, conversations, up_to, now } = *markers;
    MoveGroupMarkers { user, conversations, up_to, now }.get_result(&mut conn).await
}

/// See [`MoveReadMarkers`]; returns how many moved.
pub async fn move_read_markers(mut conn: &AsyncPgConnection, markers: MoveReadMarkers<'_>) -> QueryResult<i64> {
    markers.get_result(&mut conn).await
}

statement! {
    /// Moves up to where a user's devices have fetched messages, and with it the delivered marker: never back, and never past the last
    /// message that they may see. The other person of a direct conversation is told, unless one of the two blocks the other. Gives
    /// how many moved.
    struct MoveFetchedMarkers<'a> { user: UserId, conversations: &'a [ConversationId], seqs: &'a [i32] } -> BigInt
    |this|
    "with moved as (update members set delivered_seq = greatest(delivered_seq, wanted.seq), fetched_seq = wanted.seq \
       from (select wanted.id, least(wanted.seq, until_seq, last_seq) as seq, user_id, conversation.peer from unnest("
    [Array<BigInt>: this.conversations] ", " [Array<Integer>: this.seqs]
    ") wanted (id, seq) cross join lateral (select last_seq, case when kind = 'DIRECT' and not (low_blocks or high_blocks) \
           then low_user_id + high_user_id - " [BigInt: &this.user] " end as peer from conversations \
         where conversations.id = wanted.id offset 0) conversation \
         cross join lateral (select user_id, until_seq from members where conversation_id = wanted.id and user_id = "
    [BigInt: &this.user] " offset 0) own) as wanted \
       where members.conversation_id = wanted.id and members.user_id = wanted.user_id \
       and coalesce(fetched_seq, delivered_seq) < wanted.seq \
       returning members.conversation_id, members.delivered_seq, peer), \
     recorded as (insert into outbox (kind, audience, audience_id, conversation_id, seq, user_id) \
       select 'CONVERSATION_DELIVERED', 'USER', peer, conversation_id, delivered_seq, " [BigInt: &this.user]
    " from moved where peer <> " [BigInt: &this.user] " order by conversation_id) select count(*) from moved"
}

/// See `MoveFetchedMarkers`.
pub async fn move_fetched_markers(
    mut conn: &AsyncPgConnection,
    user: UserId,
    conversations: &[ConversationId],
    seqs: &[i32],
) -> QueryResult<i64> {
    MoveFetchedMarkers { user, conversations, seqs }.get_result(&mut conn).await
}

/// Conversations that are looked through at one pull.
pub const PULLED_LIMIT: i64 = 100;

statement! {
    /// Locks a user's memberships in conversations with messages that none of their devices has fetched, by id, and gives the first
    /// and the last of these messages. At most [`PULLED_LIMIT`].
    struct LockUnfetched { user: UserId } -> (BigInt, Integer, Integer)
    |this|
    "select members.conversation_id, greatest(coalesce(fetched_seq, delivered_seq), from_seq - 1) + 1, least(last_seq, until_seq) \
     from members join conversations on conversations.id = members.conversation_id where members.user_id = "
    [BigInt: &this.user] " and least(last_seq, until_seq) > greatest(coalesce(fetched_seq, delivered_seq), from_seq - 1) \
     order by members.conversation_id limit " [BigInt: &PULLED_LIMIT] " for no key update of members"
}

/// See `LockUnfetched`.
pub async fn lock_unfetched(
    mut conn: &AsyncPgConnection,
    user: UserId,
) -> QueryResult<Vec<(ConversationId, i32, i32)>> {
    LockUnfetched { user }.load(&mut conn).await
}

statement! {
    /// The messages of others between two seqs of each of some conversations, by conversation and seq, without those that the user
    /// deleted for themselves.
    struct MessagesOfOthers<'a> {
        user: UserId,
        conversations: &'a [ConversationId],
        from: &'a [i32],
        until: &'a [i32],
        not_hidden: NotHidden,
        limit: i64,
    } -> MessageColumns
    |this|
    "select " {&MessageFragment} " from unnest(" [Array<BigInt>: this.conversations] ", " [Array<Integer>: this.from] ", "
    [Array<Integer>: this.until] ") as wanted (id, from_seq, until_seq) cross join lateral (select * from messages \
       where messages.conversation_id = wanted.id and messages.seq between wanted.from_seq and wanted.until_seq \
       and messages.sender_id <> " [BigInt: &this.user] " and " {&this.not_hidden}
    " order by messages.seq limit " [BigInt: &this.limit] ") messages \
     order by messages.conversation_id, messages.seq limit " [BigInt: &this.limit]
}

/// See `MessagesOfOthers`; each range is a conversation with the first and the last seq.
pub async fn list_messages_of_others(
    mut conn: &AsyncPgConnection,
    user: UserId,
    ranges: &[(ConversationId, i32, i32)],
    limit: i64,
) -> QueryResult<Vec<Message>> {
    let conversations: Vec<ConversationId> = ranges.iter().map(|range| range.0).collect();
    let (from, until): (Vec<i32>, Vec<i32>) = ranges.iter().map(|range| (range.1, range.2)).unzip();
    let not_hidden = NotHidden(user);
    let query = MessagesOfOthers { user, conversations: &conversations, from: &from, until: &until, not_hidden, limit };
    query.load(&mut conn).await
}
