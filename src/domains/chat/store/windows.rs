//! Conversations of groups, and the windows of members.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::send::{EventName, RecordMessage};
use crate::db::schema::{conversations, members};
use crate::db::statement;
use crate::domains::chat::model::{Content, ConversationKind, SystemNote};
use crate::events::EventKind;
use crate::ids::{ConversationId, UserId};

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
       fetched_seq = greatest(coalesce(members.fetched_seq, members.delivered_seq), excluded.from_seq - 1), \
       own_since_read = (select count(*) from messages m where m.conversation_id = members.conversation_id \
         and m.sender_id = members.user_id and m.type <> 'SYSTEM' and m.seq > greatest(members.read_seq, excluded.from_seq - 1)) \
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

statement! {
    /// Appends a message that tells of members to a conversation, which is locked, and records it. For the user who acted it counts
    /// as read where all before it was: acting is no reading.
    struct AppendNote<'a> { conversation: ConversationId, actor: UserId, content: &'a Content, now: DateTime<Utc> } -> BigInt
    |this|
    "with conversation as (update conversations set last_seq = last_seq + 1, version = version + 1, last_activity_at = "
    [Timestamptz: &this.now] " where id = " [BigInt: &this.conversation] " returning id, last_seq, version), \
     messages as (insert into messages (conversation_id, seq, sender_id, type, content, is_private, created_at, updated_at) \
       select id, last_seq, " [BigInt: &this.actor] ", 'SYSTEM', " [Jsonb: this.content] ", false, " [Timestamptz: &this.now] ", "
    [Timestamptz: &this.now] " from conversation returning *), \
     own as (update members set read_seq = last_seq, read_at = " [Timestamptz: &this.now] ", delivered_seq = last_seq, \
       fetched_seq = coalesce(fetched_seq, delivered_seq), own_since_read = 0 from conversation \
       where members.conversation_id = " [BigInt: &this.conversation] " and members.user_id = " [BigInt: &this.actor]
    " and until_seq is null and read_seq >= last_seq - 1), \
     recorded as (" {&RecordMessage { event: EventName(EventKind::MessageCreated), actor: None }} ") select id from messages"
}

/// See `AppendNote`.
pub async fn append_note(
    mut conn: &AsyncPgConnection,
    conversation: ConversationId,
    actor: UserId,
    note: SystemNote,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let content = Content::System(note);
    AppendNote { conversation, actor, content: &content, now }.execute(&mut conn).await.map(drop)
}
