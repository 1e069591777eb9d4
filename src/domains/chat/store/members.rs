//! Members, their windows, and their markers.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::{conversations, members};
use crate::db::{columns, push_number_literal, statement};
use crate::domains::accounts::model::User;
use crate::domains::chat::model::{ConversationKind, Member, MemberProgress};
use crate::ids::{ConversationId, UserId};

columns!(
    /// The columns of a member.
    static MEMBER: Member
);

/// Conversations that are marked as read in one transaction.
const BATCH_LIMIT: i64 = 200;

/// All memberships of a user, past ones included.
pub async fn list_of_user(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<Vec<Member>> {
    members::table.filter(members::user_id.eq(user)).select(Member::as_select()).load(&mut conn).await
}

statement! {
    /// These people's memberships in these conversations, pair by pair.
    pub struct MembersAt<'a> { conversations: &'a [ConversationId], users: &'a [UserId] }
        -> diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Member, Pg>>
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

/// Picks the members of some conversations whose markers a viewer sees, as `members`: the viewer, and all present ones while the
/// viewer is one of them, and neither of two people blocks the other. Of a group with hidden members those who do not run it see
/// who has read only of those who do, and of friends whom they do not block; what is counted without names has all.
struct SeenMembers<'a> {
    viewer: UserId,
    conversations: &'a [ConversationId],
    /// Those who read last, so many of each conversation; all where there is none.
    readers: Option<i64>,
}

impl QueryFragment<Pg> for SeenMembers<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" from unnest(");
        out.push_bind_param::<Array<BigInt>, _>(&self.conversations)?;
        out.push_sql(
            ") wanted (id) cross join lateral (select low_blocks or high_blocks as is_blocked, coalesce((select disable_view_member \
             from groups where groups.id = wanted.id), false) as is_hidden from conversations \
             where conversations.id = wanted.id offset 0) conversation \
             cross join lateral (select until_seq is null and not is_blocked as sees_others, \
             not is_hidden or is_staff as sees_names from members \
             where members.conversation_id = wanted.id and members.user_id = ",
        );
        out.push_bind_param::<BigInt, _>(&self.viewer)?;
        out.push_sql(
            " offset 0) own cross join lateral (select * from members where members.conversation_id = wanted.id \
             and (members.user_id = ",
        );
        out.push_bind_param::<BigInt, _>(&self.viewer)?;
        out.push_sql(" or (sees_others and until_seq is null))");
        match self.readers {
            Some(limit) => {
                out.push_sql(" and (sees_names or is_staff or members.user_id = ");
                out.push_bind_param::<BigInt, _>(&self.viewer)?;
                out.push_sql(" or exists (select from friendships where not hidden and owner_id = ");
                out.push_bind_param::<BigInt, _>(&self.viewer)?;
                out.push_sql(" and friend_id = members.user_id))");
                out.push_sql(" order by read_at desc nulls last, user_id limit ");
                push_number_literal(&mut out, limit);
            }
            None => out.push_sql(" offset 0"),
        }
        out.push_sql(") members");
        Ok(())
    }
}

statement! {
    by text
    /// The members of some conversations who read last, with the people.
    struct LastReaders<'a> { members: SeenMembers<'a> }
        -> (diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Member, Pg>>, super::UserColumns)
    |this|
    "select " {&*MEMBER} ", " {&*super::USER} {&this.members}
    " cross join lateral (select * from users where users.id = members.user_id offset 0) users order by members.read_at desc nulls last, members.user_id"
}

/// The members of some conversations who read last, at most so many of each, the last first, whose markers the viewer
/// sees.
pub async fn list_last_readers(
    mut conn: &AsyncPgConnection,
    viewer: UserId,
    conversations: &[ConversationId],
    limit: i64,
) -> QueryResult<Vec<(Member, User)>> {
    let members = SeenMembers { viewer, conversations, readers: Some(limit) };
    LastReaders { members }.load(&mut conn).await
}

statement! {
    by text
    /// How far the members of some conversations are: conversation, member, read, received.
    struct ListProgress<'a> { members: SeenMembers<'a> } -> (BigInt, BigInt, Integer, Integer)
    |this|
    "select conversation_id, user_id, read_seq, delivered_seq" {&this.members}
}

/// How far the members of some conversations are, whose markers the viewer sees.
pub async fn list_progress(
    mut conn: &AsyncPgConnection,
    viewer: UserId,
    conversations: &[ConversationId],
) -> QueryResult<Vec<(ConversationId, MemberProgress)>> {
    let members = SeenMembers { viewer, conversations, readers: None };
    let rows: Vec<(ConversationId, UserId, i32, i32)> = ListProgress { members }.load(&mut conn).await?;
    let progress = |(id, user_id, read_seq, delivered_seq)| (id, MemberProgress { user_id, read_seq, delivered_seq });
    Ok(rows.into_iter().map(progress).collect())
}

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
    ", delivered_seq = greatest(delivered_seq, wanted.seq), own_since_read = case \
         when wanted.seq - members.read_seq < last_seq - wanted.seq then greatest(0, own_since_read - ( \
           select count(*) from messages m where m.conversation_id = members.conversation_id \
           and m.seq > members.read_seq and m.seq <= wanted.seq and m.sender_id = members.user_id)) \
         else (select count(*) from messages m where m.conversation_id = members.conversation_id \
           and m.seq > wanted.seq and m.sender_id = members.user_id) end \
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
       own_since_read = greatest(0, members.own_since_read - case \
         when wanted.seq - wanted.read_seq < last_seq - wanted.seq then ( \
           select count(*) from messages m where m.conversation_id = members.conversation_id \
           and m.seq > wanted.read_seq and m.seq <= wanted.seq and m.sender_id = members.user_id) \
         else wanted.own_since_read - (select count(*) from messages m where m.conversation_id = members.conversation_id \
           and m.seq > wanted.seq and m.sender_id = members.user_id) end) \
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
    /// Moves a user's delivered marker forward, not past the last message that they may see.
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

/// Notes that one person blocks another, or does so no longer, in the conversation of the two.
pub async fn update_blocked(
    mut conn: &AsyncPgConnection,
    blocker: UserId,
    other: UserId,
    blocks: bool,
) -> QueryResult<()> {
    let (low, high) = (blocker.min(other), blocker.max(other));
    let pair = conversations::low_user_id.eq(low).and(conversations::high_user_id.eq(high));
    let pair = diesel::update(conversations::table.filter(pair));
    let next = conversations::membership_version.eq(conversations::membership_version + 1);
    if blocker == low {
        pair.set((conversations::low_blocks.eq(blocks), next)).execute(&mut conn).await.map(drop)
    } else {
        pair.set((conversations::high_blocks.eq(blocks), next)).execute(&mut conn).await.map(drop)
    }
}

/// Adds the conversation of a group, which has no members yet.
pub async fn insert_group(
    mut conn: &AsyncPgConnection,
    title: &str,
    mute_all: bool,
    now: DateTime<Utc>,
) -> QueryResult<ConversationId> {
    let group = (
        conversations::kind.eq(ConversationKind::Group),
        conversations::title.eq(title),
        conversations::mute_all.eq(mute_all),
        conversations::last_activity_at.eq(now),
        conversations::created_at.eq(now),
    );
    diesel::insert_into(conversations::table).values(group).returning(conversations::id).get_result(&mut conn).await
}

/// Changes the name of a group's conversation, and whether all are muted in it.
pub async fn update_group(
    mut conn: &AsyncPgConnection,
    id: ConversationId,
    title: &str,
    mute_all: bool,
) -> QueryResult<()> {
    let changes = (conversations::title.eq(title), conversations::mute_all.eq(mute_all));
    diesel::update(conversations::table.find(id)).set(changes).execute(&mut conn).await.map(drop)
}

/// Notes which members run a group.
pub async fn update_staff(
    mut conn: &AsyncPgConnection,
    id: ConversationId,
    user: UserId,
    is_staff: bool,
) -> QueryResult<()> {
    let member = diesel::update(members::table.find((id, user))).set(members::is_staff.eq(is_staff));
    member.execute(&mut conn).await.map(drop)
}

/// Notes that a member owns a group: they run it, and are not muted.
pub async fn update_owner(mut conn: &AsyncPgConnection, id: ConversationId, user: UserId) -> QueryResult<()> {
    let owner = (members::is_staff.eq(true), members::muted_until.eq(None::<DateTime<Utc>>));
    diesel::update(members::table.find((id, user))).set(owner).execute(&mut conn).await.map(drop)
}

/// Notes until when a member can't send; none for no longer.
pub async fn update_muted_until(
    mut conn: &AsyncPgConnection,
    id: ConversationId,
    user: UserId,
    until: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    let member = diesel::update(members::table.find((id, user))).set(members::muted_until.eq(until));
    member.execute(&mut conn).await.map(drop)
}

statement! {
    /// Opens the windows of those who have none open: messages from `from_seq` on, everything else from `version` on. For those
    /// who come back, what lies before the window counts as read. Gives whose were opened.
    pub struct OpenWindows<'a> {
        conversation: ConversationId,
        users: &'a [UserId],
        from_seq: i32,
        version: i64,
        now: DateTime<Utc>,
    } -> BigInt
    |this|
    "insert into members (conversation_id, user_id, from_seq, from_version, joined_at) select "
    [BigInt: &this.conversation] ", id, " [Integer: &this.from_seq] ", " [BigInt: &this.version] ", "
    [Timestamptz: &this.now] " from (select distinct unnest(" [Array<BigInt>: this.users]
    ") as id order by id) as added on conflict (conversation_id, user_id) do update set \
       from_seq = excluded.from_seq, until_seq = null, from_version = excluded.from_version, until_version = null, \
       joined_at = excluded.joined_at, is_staff = false, read_seq = greatest(members.read_seq, excluded.from_seq - 1), \
       delivered_seq = greatest(members.delivered_seq, excluded.from_seq - 1), \
       own_since_read = (select count(*) from messages m where m.conversation_id = members.conversation_id \
         and m.sender_id = members.user_id and m.seq > greatest(members.read_seq, excluded.from_seq - 1)) \
     where members.until_seq is not null returning user_id"
}

/// See [`OpenWindows`].
pub async fn open_windows(mut conn: &AsyncPgConnection, windows: OpenWindows<'_>) -> QueryResult<Vec<UserId>> {
    windows.load(&mut conn).await
}

statement! {
    /// Closes the windows of those who have one open. Gives whose were closed.
    pub struct CloseWindows<'a> { conversation: ConversationId, users: &'a [UserId], last_seq: i32, version: i64 } -> BigInt
    |this|
    "update members set until_seq = " [Integer: &this.last_seq] ", until_version = " [BigInt: &this.version]
    " where conversation_id = " [BigInt: &this.conversation] " and user_id = any(" [Array<BigInt>: this.users]
    ") and until_seq is null returning user_id"
}

/// See [`CloseWindows`].
pub async fn close_windows(mut conn: &AsyncPgConnection, windows: CloseWindows<'_>) -> QueryResult<Vec<UserId>> {
    windows.load(&mut conn).await
}
