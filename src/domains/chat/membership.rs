//! Who is in a conversation, for the domains that own conversations: opening and closing members' windows, many at once.
//!
//! Both take the conversation's row lock first, and make one version of it and one event, in the same transaction. With the
//! event every instance changes the windows, so that the change has its place among the messages: what is committed after a
//! removal never reaches the removed. The same event tells the members, those who came and those who went.
//!
//! In a direct conversation members don't come or go: its windows open with it, which instances alone are told.
//!
//! A member has one window: who comes back sees what lies in the new one, and no longer what they saw before.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;

use super::model::SystemNote;
use super::store::windows::{self, CloseWindows, OpenWindows};
use crate::error::AppResult;
use crate::events::data::{EventData, MemberChanges};
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::ids::{ConversationId, UserId};
use crate::scope::Scope;

/// A conversation and who changes its members; None where it is no person's doing.
#[derive(Clone, Copy, Debug)]
pub struct MembershipEdit {
    /// The conversation.
    pub conversation: ConversationId,
    /// Who adds or removes.
    pub actor: Option<UserId>,
}

/// What new members see of what was said before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// All of it.
    Shown,
    /// Nothing.
    Hidden,
}

/// Makes people members, within the caller's transaction, in three statements. Returns those who were not: who is a member
/// already stays one as they are.
///
/// # Errors
/// When the database fails.
pub async fn open_many(
    scope: &Scope,
    conn: &AsyncPgConnection,
    edit: MembershipEdit,
    users: &[UserId],
    history: History,
) -> AppResult<Vec<UserId>> {
    let MembershipEdit { conversation, .. } = edit;
    let (last_seq, version) = windows::bump_membership(conn, conversation).await?;
    let from_seq = match history {
        History::Shown => 1,
        History::Hidden => last_seq + 1,
    };
    let windows = OpenWindows { conversation, users, from_seq, version, now: scope.app.clock.now() };
    let added = windows::open_windows(conn, windows).await?;
    record_changes(scope, conn, edit, version, MemberChanges { added: added.clone(), removed: Vec::new() }).await?;
    Ok(added)
}

/// Ends memberships, within the caller's transaction, in three statements. Returns those who were members.
///
/// # Errors
/// When the database fails.
pub async fn close_many(
    scope: &Scope,
    conn: &AsyncPgConnection,
    edit: MembershipEdit,
    users: &[UserId],
) -> AppResult<Vec<UserId>> {
    let MembershipEdit { conversation, .. } = edit;
    let (last_seq, version) = windows::bump_membership(conn, conversation).await?;
    let removed = windows::close_windows(conn, CloseWindows { conversation, users, last_seq, version }).await?;
    record_changes(scope, conn, edit, version, MemberChanges { added: Vec::new(), removed: removed.clone() }).await?;
    Ok(removed)
}

async fn record_changes(
    scope: &Scope,
    conn: &AsyncPgConnection,
    MembershipEdit { conversation, actor }: MembershipEdit,
    version: i64,
    changes: MemberChanges,
) -> AppResult<()> {
    if changes.added.is_empty() && changes.removed.is_empty() {
        return Ok(());
    }
    let event = NewEvent {
        conversation_id: Some(conversation),
        version: Some(version),
        actor_id: actor,
        data: Some(EventData::Members(changes)),
        ..NewEvent::new(EventKind::MembersChanged, Topic::conversation(conversation))
    };
    scope.record(conn, &[event]).await
}

/// Tells in a conversation what happened to its members, by a message of the user's who acted. [`open_many`], [`close_many`] or
/// [`next_version`] is called before.
///
/// # Errors
/// When the database fails.
pub async fn tell(
    scope: &Scope,
    conn: &AsyncPgConnection,
    conversation: ConversationId,
    actor: UserId,
    note: SystemNote,
) -> AppResult<()> {
    windows::append_note(conn, conversation, actor, note, scope.app.clock.now()).await?;
    scope.note_recorded();
    Ok(())
}

/// Makes the conversation of a group, which has no members yet.
///
/// # Errors
/// When the database fails.
pub async fn create_group(
    conn: &AsyncPgConnection,
    title: &str,
    mute_all: bool,
    now: DateTime<Utc>,
) -> AppResult<ConversationId> {
    Ok(windows::insert_group(conn, title, mute_all, now).await?)
}

/// Changes the name of a group's conversation, and whether all are muted in it. [`next_version`] is called before.
///
/// # Errors
/// When the database fails.
pub async fn update_group(conn: &AsyncPgConnection, id: ConversationId, title: &str, mute_all: bool) -> AppResult<()> {
    Ok(windows::update_group(conn, id, title, mute_all).await?)
}

/// Takes a conversation's lock and its next version, for an event of its topic; those who send look again whether they may.
///
/// # Errors
/// When the database fails.
pub async fn next_version(conn: &AsyncPgConnection, id: ConversationId) -> AppResult<i64> {
    Ok(windows::bump_membership(conn, id).await?.1)
}

/// Notes whether a member runs the group. [`next_version`] or [`open_many`] is called before.
///
/// # Errors
/// When the database fails.
pub async fn set_staff(conn: &AsyncPgConnection, id: ConversationId, user: UserId, is_staff: bool) -> AppResult<()> {
    Ok(windows::update_staff(conn, id, user, is_staff).await?)
}

/// Notes that a member owns the group: they run it, and are not muted. [`next_version`] is called before.
///
/// # Errors
/// When the database fails.
pub async fn set_owner(conn: &AsyncPgConnection, id: ConversationId, user: UserId) -> AppResult<()> {
    Ok(windows::update_owner(conn, id, user).await?)
}

/// Notes until when a member can't send; none for no longer. [`next_version`] is called before.
///
/// # Errors
/// When the database fails.
pub async fn set_muted_until(
    conn: &AsyncPgConnection,
    id: ConversationId,
    user: UserId,
    until: Option<DateTime<Utc>>,
) -> AppResult<()> {
    Ok(windows::update_muted_until(conn, id, user, until).await?)
}

/// Notes that one person blocks another, or does so no longer, where the two have talked: neither can send meanwhile. Their
/// row in `relations` is held.
///
/// # Errors
/// When the database fails.
pub async fn set_blocked(conn: &AsyncPgConnection, blocker: UserId, other: UserId, blocks: bool) -> AppResult<()> {
    Ok(windows::update_blocked(conn, blocker, other, blocks).await?)
}

/// Tells instances that the windows of a direct conversation's people opened.
///
/// # Errors
/// When the database fails.
pub(super) async fn record_direct(
    scope: &Scope,
    conn: &AsyncPgConnection,
    conversation: ConversationId,
    users: &[UserId],
) -> AppResult<()> {
    let event = |user: &UserId| NewEvent {
        conversation_id: Some(conversation),
        version: Some(0),
        user_id: Some(*user),
        ..NewEvent::new(EventKind::MembershipChanged, Topic::user(*user))
    };
    scope.record(conn, &users.iter().map(event).collect::<Vec<_>>()).await
}
