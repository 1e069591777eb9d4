//! Members of groups: who comes, who goes, and what they are.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::invitees::{check_invited, lock_invited};
use super::{AddedMembers, edit, lock_group, record_member};
use crate::domains::chat::membership;
use crate::domains::chat::model::SystemChange;
use crate::domains::groups::model::{
    Group, GroupAction, GroupError, GroupMember, GroupRole, InvitedMembers, MembershipChange,
};
use crate::domains::groups::store::members::MemberList;
use crate::domains::groups::{policy, store};
use crate::error::{AppError, AppResult};
use crate::ids::{GroupId, GroupMemberId, UserId};
use crate::page::{Page, PageArgs, PageRequest};
use crate::scope::Scope;
use crate::validation::DomainError;

/// Adds friends of the viewer's to a group, as many as there is room for; why the others are not added stands beside them.
///
/// # Errors
/// `NOT_FOUND`, `NOT_MEMBER`, `FORBIDDEN`; `OUT_OF_RANGE` for too many, `INVALID_INPUT` for a user who is there twice.
pub async fn invite(scope: &Scope, id: GroupId, users: &[UserId]) -> AppResult<InvitedMembers> {
    policy::check_users(users, policy::MOST_INVITED, "userIds").map_err(AppError::User)?;
    scope
        .transaction(async |conn| {
            let viewer = lock_invited(scope, conn, users).await?;
            let (mut invited, mut errors) = check_invited(conn, viewer, users, "userIds").await?;
            let held = lock_group(scope, conn, id, "groupId").await?;
            held.allow(GroupAction::Invite, "groupId")?;
            let place = |user: &UserId| users.iter().position(|other| other == user).unwrap_or_default();
            let pairs: Vec<(GroupId, UserId)> = invited.iter().map(|user| (id, *user)).collect();
            let known = store::members::list_at(conn, &pairs).await?;
            let known: HashSet<UserId> = known.into_iter().map(|member| member.user_id).collect();
            let blocked = held.list_blocked(conn, &invited).await?;
            let room = usize::try_from(policy::MEMBER_LIMIT - held.group.member_count).unwrap_or(0);
            let mut left = room;
            invited.retain(|user| {
                let error = if known.contains(user) {
                    GroupError::AlreadyIn
                } else if blocked.contains(user) {
                    GroupError::NotTaken
                } else if left == 0 {
                    GroupError::Full(policy::MEMBER_LIMIT)
                } else {
                    left -= 1;
                    return true;
                };
                errors.push(error.at(&format!("userIds.{}", place(user))));
                false
            });
            let AddedMembers { group, members: added, .. } = held.add(scope, conn, &invited).await?;
            Ok(InvitedMembers { group, added, errors })
        })
        .await
}

/// Leaves a group. Its owner can do so once they are alone, which dissolves it.
///
/// # Errors
/// `NOT_FOUND`, `NOT_MEMBER`, `OWNER_MUST_TRANSFER`.
pub async fn leave(scope: &Scope, id: GroupId) -> AppResult<()> {
    scope
        .transaction(async |conn| {
            let held = lock_group(scope, conn, id, "groupId").await?;
            let own = held.allow(GroupAction::Leave, "groupId")?;
            if own.role == GroupRole::Owner {
                return edit::end(scope, conn, &held).await;
            }
            store::members::delete_members(conn, id, &[held.viewer]).await?;
            store::change_member_count(conn, id, -1).await?;
            membership::close_many(scope, conn, held.edit(), &[held.viewer]).await?;
            held.tell(scope, conn, SystemChange::Left, &[held.viewer]).await
        })
        .await
}

/// Removes a member who ranks below the viewer.
///
/// # Errors
/// `NOT_FOUND`, `NOT_MEMBER`, at `userId` for a user who is none; `FORBIDDEN`, `SELF_TARGET`.
pub async fn remove(scope: &Scope, id: GroupId, user: UserId) -> AppResult<GroupMemberId> {
    scope
        .transaction(async |conn| {
            let held = lock_group(scope, conn, id, "groupId").await?;
            let own = held.allow(GroupAction::RemoveMembers, "groupId")?.role;
            let member = held.find_below(conn, own, user).await?;
            store::members::delete_members(conn, id, &[user]).await?;
            store::change_member_count(conn, id, -1).await?;
            membership::close_many(scope, conn, held.edit(), &[user]).await?;
            held.tell(scope, conn, SystemChange::Removed, &[user]).await?;
            Ok(member.id)
        })
        .await
}

/// Lets a member run a group together with its owner, or no longer. Done again, nothing changes.
///
/// # Errors
/// `NOT_FOUND`, `NOT_MEMBER`, at `userId` for a user who is none; `FORBIDDEN`, `SELF_TARGET`; `CONFLICT` for a manager too
/// many.
pub async fn set_manager(scope: &Scope, id: GroupId, user: UserId, is_manager: bool) -> AppResult<GroupMember> {
    let role = if is_manager { GroupRole::Manager } else { GroupRole::General };
    scope
        .transaction(async |conn| {
            let held = lock_group(scope, conn, id, "groupId").await?;
            held.allow(GroupAction::SetManagers, "groupId")?;
            let member = held.find_other(conn, user, "userId").await?;
            if member.role == role {
                return Ok(member);
            }
            let managers = store::members::list_with_roles(conn, id, &[GroupRole::Manager]).await?.len();
            if is_manager && managers >= policy::MANAGER_LIMIT {
                return Err(GroupError::TooManyManagers(policy::MANAGER_LIMIT).at("userId").into());
            }
            let member = store::members::update_role(conn, member.id, role).await?;
            record_member(scope, conn, &member, held.viewer, MembershipChange::RoleChanged).await?;
            membership::set_staff(conn, id.conversation(), user, is_manager).await?;
            let change = if is_manager { SystemChange::BecameManager } else { SystemChange::NoLongerManager };
            held.tell(scope, conn, change, &[user]).await?;
            Ok(member)
        })
        .await
}

/// Mutes a member who ranks below the viewer, for some minutes from now on; 0 lifts it.
///
/// # Errors
/// `OUT_OF_RANGE`; `NOT_FOUND`, `NOT_MEMBER`, at `userId` for a user who is none; `FORBIDDEN`, `SELF_TARGET`.
pub async fn mute(scope: &Scope, id: GroupId, user: UserId, minutes: i32) -> AppResult<GroupMember> {
    let duration = policy::mute_duration(minutes).map_err(|error| error.at("minutes"))?;
    let until = (minutes > 0).then(|| scope.app.clock.now() + duration);
    scope
        .transaction(async |conn| {
            let held = lock_group(scope, conn, id, "groupId").await?;
            let own = held.allow(GroupAction::MuteMembers, "groupId")?.role;
            let member = held.find_below(conn, own, user).await?;
            let change = if until.is_some() { MembershipChange::Muted } else { MembershipChange::Unmuted };
            record_member(scope, conn, &member, held.viewer, change).await?;
            membership::set_muted_until(conn, id.conversation(), user, until).await?;
            Ok(member)
        })
        .await
}

/// Changes what the viewer is called in a group; empty for their nickname.
///
/// # Errors
/// `TOO_LONG`, `INVALID_INPUT`, `NOT_FOUND`, `NOT_MEMBER`.
pub async fn set_name_card(scope: &Scope, id: GroupId, name_card: &str) -> AppResult<GroupMember> {
    let name_card = policy::check_name_card(name_card)?;
    scope
        .transaction(async |conn| {
            let held = lock_group(scope, conn, id, "groupId").await?;
            let own = held.member.as_ref().ok_or_else(|| GroupError::NotMember.at("groupId"))?;
            if own.name_card == name_card {
                return Ok(own.clone());
            }
            let member = store::members::update_name_card(conn, own.id, &name_card).await?;
            record_member(scope, conn, &member, held.viewer, MembershipChange::NameCardChanged).await?;
            Ok(member)
        })
        .await
}

/// A list of members of a group, whose arguments were looked at.
#[derive(Clone, Debug)]
pub struct MemberListQuery {
    group: GroupId,
    role: Option<GroupRole>,
    query: Option<String>,
}

impl MemberListQuery {
    /// Members with a role, whose name card or nickname has something in it.
    ///
    /// # Errors
    /// Bad input for a query that no name has.
    pub fn new(group: GroupId, role: Option<GroupRole>, query: Option<String>) -> AppResult<Self> {
        let query = query.map(|query| query.trim().to_lowercase()).filter(|query| !query.is_empty());
        policy::check_member_query(query.as_deref())?;
        Ok(Self { group, role, query })
    }

    /// The page that the arguments ask for.
    ///
    /// # Errors
    /// Bad input.
    pub fn page(&self, args: PageArgs) -> AppResult<PageRequest<GroupMemberId>> {
        let Self { group, role, query } = self;
        args.request(serde_json::to_string(&("group members", group, role, query)).unwrap_or_default())
    }

    fn rows(&self) -> MemberList<'_> {
        MemberList { group: self.group, role: self.role, query: self.query.as_deref() }
    }

    /// Whether the viewer sees any of them; strangers see none, and where members are hidden a search finds none.
    async fn is_shown(&self, scope: &Scope, conn: &AsyncPgConnection) -> AppResult<bool> {
        let viewer = scope.viewer()?.user_id;
        let own = store::members::find_member(conn, self.group, viewer).await?.map(|member| member.role);
        if self.query.is_none() {
            return Ok(own.is_some());
        }
        let group: Option<Group> = store::list_by_ids(conn, &[self.group]).await?.pop();
        Ok(group.is_some_and(|group| policy::shows_members(own, group.settings)))
    }
}

/// A page of the members of a group, as they joined.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list(
    scope: &Scope,
    list: &MemberListQuery,
    page: &PageRequest<GroupMemberId>,
) -> AppResult<Page<GroupMember>> {
    let conn = scope.db.read().await?;
    let rows = if list.is_shown(scope, &conn).await? {
        store::members::list_members(&conn, list.rows(), page).await?
    } else {
        Vec::new()
    };
    Ok(page.page(rows, |member| member.id))
}

/// How many members a list has.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count(scope: &Scope, list: &MemberListQuery) -> AppResult<i64> {
    let conn = scope.db.read().await?;
    if list.is_shown(scope, &conn).await? {
        Ok(store::members::count_members(&conn, list.rows()).await?)
    } else {
        Ok(0)
    }
}

/// Members by key, of those groups that the viewer is in.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn load_visible(scope: &Scope, ids: &[GroupMemberId]) -> AppResult<HashMap<GroupMemberId, Arc<GroupMember>>> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read().await?;
    let found = store::members::list_by_ids(&conn, ids).await?;
    let pairs: Vec<(GroupId, UserId)> = found.iter().map(|member| (member.group_id, viewer)).collect();
    let own = store::members::list_at(&conn, &pairs).await?;
    let own: HashSet<GroupId> = own.into_iter().map(|member| member.group_id).collect();
    let seen = found.into_iter().filter(|member| own.contains(&member.group_id));
    Ok(seen.map(|member| (member.id, Arc::new(member))).collect())
}
