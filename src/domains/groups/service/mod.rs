//! Use cases of groups: finding them here; making and changing them ([`edit`]), their [`members`], requests to [`join`], [`list`]s
//! of them, those that are [`near`], and what follows from a [`departure`], apart.

pub mod departure;
pub mod edit;
mod invitees;
pub mod join;
pub mod list;
pub mod members;
pub mod near;

use std::collections::HashMap;
use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::model::{
    Group, GroupAction, GroupError, GroupJoinRequest, GroupMember, GroupRole, GroupStaff, MembershipChange,
    ViewerStanding,
};
use super::{policy, store};
use crate::db::violated_constraint;
use crate::domains::accounts::service::lock_viewer_shared;
use crate::domains::chat;
use crate::domains::chat::membership::{self, History, MembershipEdit};
use crate::domains::chat::model::{SystemChange, SystemNote};
use crate::domains::media::model::MediaError;
use crate::error::{AppError, AppResult};
use crate::events::data::{EventData, MemberChange};
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::ids::{ConversationId, GroupId, GroupJoinRequestId, UserId};
use crate::scope::Scope;
use crate::validation::DomainError;

/// Events of one statement, which has a bound of parameters.
const EVENTS_AT_ONCE: usize = 1000;

/// A group that is held, with the viewer and what they are in it.
struct HeldGroup {
    viewer: UserId,
    group: Group,
    member: Option<GroupMember>,
}

/// Members who were let in.
struct AddedMembers {
    /// The group as it is with them.
    group: Group,
    /// Those who were not in it before.
    members: Vec<GroupMember>,
    /// Their requests that waited.
    accepted: Vec<GroupJoinRequest>,
}

/// Holds the viewer's account and a group.
async fn lock_group(scope: &Scope, conn: &AsyncPgConnection, id: GroupId, path: &str) -> AppResult<HeldGroup> {
    let viewer = lock_viewer_shared(scope, conn).await?;
    let group = store::lock_group(conn, id).await?.ok_or_else(|| GroupError::NoSuchGroup.at(path))?;
    let member = store::members::find_member(conn, id, viewer).await?;
    Ok(HeldGroup { viewer, group, member })
}

impl HeldGroup {
    /// The viewer's membership, if they may do something.
    fn allow(&self, action: GroupAction, path: &str) -> AppResult<&GroupMember> {
        policy::check_allowed(action, self.member.as_ref(), &self.group).map_err(|error| error.at(path))?;
        self.member.as_ref().ok_or_else(|| GroupError::NotMember.at(path).into())
    }

    /// Another member, who ranks below the viewer.
    async fn find_below(&self, conn: &AsyncPgConnection, own: GroupRole, user: UserId) -> AppResult<GroupMember> {
        let member = self.find_other(conn, user, "userId").await?;
        policy::check_below(own, member.role).map_err(|error| error.at("userId"))?;
        Ok(member)
    }

    /// Another member.
    async fn find_other(&self, conn: &AsyncPgConnection, user: UserId, path: &str) -> AppResult<GroupMember> {
        if user == self.viewer {
            return Err(GroupError::SelfTarget.at(path).into());
        }
        let member = store::members::find_member(conn, self.group.id, user).await?;
        member.ok_or_else(|| GroupError::NotInGroup.at(path).into())
    }

    /// A change of who is in it, by the viewer.
    fn edit(&self) -> MembershipEdit {
        MembershipEdit { conversation: self.group.conversation_id(), actor: Some(self.viewer) }
    }

    /// Tells in the conversation what the viewer did with members.
    async fn tell(
        &self,
        scope: &Scope,
        conn: &AsyncPgConnection,
        change: SystemChange,
        users: &[UserId],
    ) -> AppResult<()> {
        let note = SystemNote::new(change, users, self.group.settings.disable_view_member);
        membership::tell(scope, conn, self.group.conversation_id(), self.viewer, note).await
    }

    /// Lets users in. Their requests that wait are accepted by it.
    async fn add(&self, scope: &Scope, conn: &AsyncPgConnection, users: &[UserId]) -> AppResult<AddedMembers> {
        let (id, now) = (self.group.id, scope.app.clock.now());
        let members = store::members::insert_members(conn, id, users, GroupRole::General, now).await?;
        let users: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
        if users.is_empty() {
            return Ok(AddedMembers { group: self.group.clone(), members, accepted: Vec::new() });
        }
        let accepted = store::requests::accept_waiting(conn, id, &users, now).await?;
        let more = i32::try_from(users.len()).unwrap_or(i32::MAX);
        let group = store::change_member_count(conn, id, more).await.map_err(full)?;
        membership::open_many(scope, conn, self.edit(), &users, history(&self.group)).await?;
        self.tell(scope, conn, SystemChange::Joined, &users).await?;
        tell_answered(scope, conn, &accepted).await?;
        Ok(AddedMembers { group, members, accepted })
    }
}

/// What new members see of what was said before.
fn history(group: &Group) -> History {
    if group.settings.enable_history_for_new_members { History::Shown } else { History::Hidden }
}

/// A group that has no room, as its table says.
fn full(error: diesel::result::Error) -> AppError {
    match violated_constraint(&error) {
        Some("groups_member_count_check") => GroupError::Full(policy::MEMBER_LIMIT).at("groupId").into(),
        _ => error.into(),
    }
}

/// A picture that was there a moment ago.
fn gone(error: diesel::result::Error) -> AppError {
    match violated_constraint(&error) {
        Some("groups_avatar_id_fkey") => MediaError::NoSuchFile.at("input.avatarId").into(),
        _ => error.into(),
    }
}

/// Takes the next version of a group's conversation and records that the group changed.
async fn record_changed(scope: &Scope, conn: &AsyncPgConnection, id: GroupId) -> AppResult<()> {
    record(scope, conn, id, EventKind::GroupUpdated, |event| event).await
}

/// Takes the next version of a group's conversation and records what changed about a member.
async fn record_member(
    scope: &Scope,
    conn: &AsyncPgConnection,
    member: &GroupMember,
    actor: UserId,
    change: MembershipChange,
) -> AppResult<()> {
    let user = Some(member.user_id);
    record(scope, conn, member.group_id, EventKind::GroupMemberChanged, |event| NewEvent {
        user_id: user,
        actor_id: Some(actor),
        data: Some(EventData::Member(MemberChange { change })),
        ..event
    })
    .await
}

async fn record(
    scope: &Scope,
    conn: &AsyncPgConnection,
    id: GroupId,
    kind: EventKind,
    complete: impl FnOnce(NewEvent) -> NewEvent,
) -> AppResult<()> {
    let conversation = id.conversation();
    let version = membership::next_version(conn, conversation).await?;
    let event = NewEvent {
        conversation_id: Some(conversation),
        version: Some(version),
        subject_id: Some(id.0),
        ..NewEvent::new(kind, Topic::conversation(conversation))
    };
    scope.record(conn, &[complete(event)]).await
}

/// Records for their senders that requests to join were answered.
async fn tell_answered(scope: &Scope, conn: &AsyncPgConnection, requests: &[GroupJoinRequest]) -> AppResult<()> {
    let event = |request: &GroupJoinRequest| NewEvent {
        subject_id: Some(request.id.0),
        ..NewEvent::new(EventKind::GroupJoinRequestAnswered, Topic::user(request.user_id))
    };
    for requests in requests.chunks(EVENTS_AT_ONCE) {
        scope.record(conn, &requests.iter().map(event).collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Groups by id, without those that were dissolved.
///
/// # Errors
/// When the database fails.
pub async fn load_groups(conn: &AsyncPgConnection, ids: &[GroupId]) -> AppResult<HashMap<GroupId, Arc<Group>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = store::list_by_ids(conn, ids).await?;
    Ok(found.into_iter().map(|group| (group.id, Arc::new(group))).collect())
}

/// The groups with these ids that can be found, for search.
///
/// # Errors
/// When the database fails.
pub async fn list_findable(conn: &AsyncPgConnection, ids: &[GroupId]) -> AppResult<Vec<Group>> {
    Ok(store::list_by_ids(conn, ids).await?)
}

/// Who runs some groups, dissolved ones included; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_staff(conn: &AsyncPgConnection, ids: &[GroupId]) -> AppResult<HashMap<GroupId, Arc<GroupStaff>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = store::members::list_staff(conn, ids).await?;
    Ok(found.into_iter().map(|(id, staff)| (id, Arc::new(staff))).collect())
}

/// Members by group and user.
///
/// # Errors
/// When the database fails.
pub async fn load_members_at(
    conn: &AsyncPgConnection,
    pairs: &[(GroupId, UserId)],
) -> AppResult<HashMap<(GroupId, UserId), Arc<GroupMember>>> {
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let found = store::members::list_at(conn, pairs).await?;
    Ok(found.into_iter().map(|member| ((member.group_id, member.user_id), Arc::new(member))).collect())
}

/// Requests to join by id; who sees them is asked by those who show them.
///
/// # Errors
/// When the database fails.
pub async fn load_requests(
    conn: &AsyncPgConnection,
    ids: &[GroupJoinRequestId],
) -> AppResult<HashMap<GroupJoinRequestId, Arc<GroupJoinRequest>>> {
    let found = store::requests::list_by_ids(conn, ids).await?;
    Ok(found.into_iter().map(|request| (request.id, Arc::new(request))).collect())
}

/// Whether two users are in a group together, and only in such whose members send each other no requests.
///
/// # Errors
/// When the database fails.
pub async fn share_private_only(conn: &AsyncPgConnection, user: UserId, other: UserId) -> AppResult<bool> {
    Ok(store::shared::share_private_only(conn, user, other).await?)
}

/// What the viewer is to some groups: their memberships, and their last requests to join.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn load_standings(scope: &Scope, ids: &[GroupId]) -> AppResult<HashMap<GroupId, ViewerStanding>> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read().await?;
    let pairs: Vec<(GroupId, UserId)> = ids.iter().map(|id| (*id, viewer)).collect();
    let conversations: Vec<(ConversationId, UserId)> = ids.iter().map(|id| (id.conversation(), viewer)).collect();
    let (members, requests) = futures_util::try_join!(
        store::members::list_at(&conn, &pairs),
        store::requests::list_last(&conn, viewer, ids),
    )?;
    let voices = chat::service::load_members(&conn, &conversations).await?;
    let mut standings: HashMap<GroupId, ViewerStanding> =
        ids.iter().map(|id| (*id, ViewerStanding::default())).collect();
    for member in members {
        let id = member.group_id;
        standings.entry(id).or_default().member = Some(Arc::new(member));
    }
    for request in requests {
        let id = request.group_id;
        standings.entry(id).or_default().request = Some(Arc::new(request));
    }
    for voice in voices {
        standings.entry(voice.conversation_id.group()).or_default().muted_until = voice.muted_until;
    }
    Ok(standings)
}
