//! Members, their windows, and their markers.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::{conversations, members, users};
use crate::db::{columns, statement};
use crate::domains::accounts::model::User;
use crate::domains::chat::model::Member;
use crate::ids::{ConversationId, UserId};

columns!(
    /// The columns of a member.
    static MEMBER: Member
);

/// Conversations that are marked as read in one transaction.
const BATCH: i64 = 200;

/// All memberships of somebody, past ones included.
pub async fn list_of_user(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<Vec<Member>> {
    members::table.filter(members::user_id.eq(user)).select(Member::as_select()).load(&mut conn).await
}

statement! {
    /// These people's memberships in these conversations, pair by pair.
    pub struct MembersAt<'a> { conversations: &'a [ConversationId], users: &'a [UserId] }
        -> diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Member, diesel::pg::Pg>>
    |this|
    "select " {&*MEMBER}
    " from unnest(" [Array<BigInt>: this.conversations] ", " [Array<BigInt>: this.users]
    ") as wanted (conversation_id, user_id) join members using (conversation_id, user_id)"
}

/// See [`MembersAt`].
pub async fn list_at(mut conn: &AsyncPgConnection, pairs: &[(ConversationId, UserId)]) -> QueryResult<Vec<Member>> {
    let (conversations, users): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
    MembersAt { conversations: &conversations, users: &users }.load(&mut conn).await
}

/// The present members of some conversations, each with the person, by account number.
pub async fn list_present(mut conn: &AsyncPgConnection, ids: &[ConversationId]) -> QueryResult<Vec<(Member, User)>> {
    members::table
        .inner_join(users::table)
        .filter(members::conversation_id.eq_any(ids))
        .filter(members::until_seq.is_null())
        .order((members::conversation_id, users::account_number))
        .select((Member::as_select(), User::as_select()))
        .load(&mut conn)
        .await
}

/// Locks conversations that somebody is a member of, in id order, and returns how far each goes for them.
pub async fn lock_for_marking(
    mut conn: &AsyncPgConnection,
    user: UserId,
    ids: &[ConversationId],
) -> QueryResult<Vec<(ConversationId, i32, Option<i32>)>> {
    conversations::table
        .inner_join(members::table)
        .filter(members::user_id.eq(user).and(conversations::id.eq_any(ids)))
        .order(conversations::id)
        .select((conversations::id, conversations::last_seq, members::until_seq))
        .for_update()
        .load(&mut conn)
        .await
}

/// Some of the conversations in which somebody has something unread.
pub async fn list_unread(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<Vec<ConversationId>> {
    let read_all = members::read_seq.nullable().ge(members::until_seq);
    conversations::table
        .inner_join(members::table)
        .filter(members::user_id.eq(user).and(members::read_seq.lt(conversations::last_seq)))
        .filter(members::until_seq.is_null().or(diesel::dsl::not(read_all)))
        .order(conversations::id)
        .select(conversations::id)
        .limit(BATCH)
        .load(&mut conn)
        .await
}

statement! {
    /// Moves somebody's read markers forward, and tells of those that moved. The conversations are locked, so the own
    /// messages behind a marker are counted on whichever side of it fewer messages lie.
    pub struct MoveReadMarkers<'a> {
        user: UserId,
        conversations: &'a [ConversationId],
        seqs: &'a [i32],
        now: DateTime<Utc>,
    } -> BigInt
    |this|
    "with marker as (update members set read_seq = wanted.seq, read_at = " [Timestamptz: &this.now]
    ", delivered_seq = greatest(delivered_seq, wanted.seq), own_since_read = case \
         when wanted.seq - members.read_seq < last_seq - wanted.seq then greatest(0, own_since_read - ( \
           select count(*) from messages m where m.conversation_id = members.conversation_id \
           and m.seq > members.read_seq and m.seq <= wanted.seq and m.sender_id = members.user_id)) \
         else (select count(*) from messages m where m.conversation_id = members.conversation_id \
           and m.seq > wanted.seq and m.sender_id = members.user_id) end \
       from unnest(" [Array<BigInt>: this.conversations] ", " [Array<Integer>: this.seqs]
    ") as wanted (conversation_id, seq) join conversations on conversations.id = wanted.conversation_id \
       where members.conversation_id = wanted.conversation_id \
       and members.user_id = " [BigInt: &this.user] " and members.read_seq < wanted.seq \
       returning members.conversation_id, members.read_seq), \
     bumped as (update conversations set version = version + 1 from marker where id = marker.conversation_id \
       returning id, version), \
     told as (insert into outbox (kind, audience, audience_id, conversation_id, version, seq, user_id) \
       select 'CONVERSATION_READ', 'CONVERSATION', id, id, version, read_seq, " [BigInt: &this.user]
    " from bumped join marker on marker.conversation_id = bumped.id order by id) \
     select count(*) from bumped"
}

/// See [`MoveReadMarkers`]; returns how many moved.
pub async fn move_read_markers(mut conn: &AsyncPgConnection, markers: MoveReadMarkers<'_>) -> QueryResult<i64> {
    markers.get_result(&mut conn).await
}

statement! {
    /// Moves somebody's delivered marker forward, not past the last message that they may see.
    pub struct MoveDeliveredMarker { user: UserId, conversation: ConversationId, seq: i32 } -> BigInt
    |this|
    "update members set delivered_seq = greatest(delivered_seq, least(" [Integer: &this.seq]
    ", coalesce(until_seq, last_seq), last_seq)) from conversations where conversations.id = conversation_id \
     and conversation_id = " [BigInt: &this.conversation] " and user_id = " [BigInt: &this.user]
}

/// See [`MoveDeliveredMarker`].
pub async fn move_delivered_marker(mut conn: &AsyncPgConnection, marker: MoveDeliveredMarker) -> QueryResult<usize> {
    marker.execute(&mut conn).await
}

/// Locks a conversation for a change of its members and returns its last seq and the version that the change makes.
pub async fn bump_membership(mut conn: &AsyncPgConnection, id: ConversationId) -> QueryResult<(i32, i64)> {
    diesel::update(conversations::table.find(id))
        .set((
            conversations::version.eq(conversations::version + 1),
            conversations::membership_version.eq(conversations::membership_version + 1),
        ))
        .returning((conversations::last_seq, conversations::version))
        .get_result(&mut conn)
        .await
}

statement! {
    /// Opens somebody's window: messages from `from_seq` on, everything else from `version` on. For one who comes back,
    /// what lies before the window counts as read.
    pub struct OpenWindow { conversation: ConversationId, user: UserId, from_seq: i32, version: i64, now: DateTime<Utc> }
        -> BigInt
    |this|
    "insert into members (conversation_id, user_id, from_seq, from_version, joined_at) values ("
    [BigInt: &this.conversation] ", " [BigInt: &this.user] ", " [Integer: &this.from_seq] ", " [BigInt: &this.version]
    ", " [Timestamptz: &this.now] ") on conflict (conversation_id, user_id) do update set \
       from_seq = excluded.from_seq, until_seq = null, from_version = excluded.from_version, until_version = null, \
       joined_at = excluded.joined_at, read_seq = greatest(members.read_seq, excluded.from_seq - 1), \
       delivered_seq = greatest(members.delivered_seq, excluded.from_seq - 1), \
       own_since_read = (select count(*) from messages m where m.conversation_id = members.conversation_id \
         and m.sender_id = members.user_id and m.seq > greatest(members.read_seq, excluded.from_seq - 1))"
}

/// See [`OpenWindow`].
pub async fn open_window(mut conn: &AsyncPgConnection, window: OpenWindow) -> QueryResult<usize> {
    window.execute(&mut conn).await
}

/// Closes somebody's window; false when it was not open.
pub async fn close_window(
    mut conn: &AsyncPgConnection,
    (conversation, user): (ConversationId, UserId),
    (last_seq, version): (i32, i64),
) -> QueryResult<bool> {
    diesel::update(members::table.find((conversation, user)))
        .filter(members::until_seq.is_null())
        .set((members::until_seq.eq(last_seq), members::until_version.eq(version)))
        .execute(&mut conn)
        .await
        .map(|changed| changed == 1)
}
