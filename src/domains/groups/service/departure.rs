//! What becomes of groups when an account is deleted.

use std::collections::{BTreeSet, HashMap};

use diesel_async::AsyncPgConnection;

use super::{HeldGroup, edit};
use crate::domains::accounts::service::load_details;
use crate::domains::chat::membership;
use crate::domains::chat::model::SystemChange;
use crate::domains::groups::model::{GroupMember, GroupRole};
use crate::domains::groups::store;
use crate::error::AppResult;
use crate::ids::{GroupId, UserId};
use crate::scope::Scope;

/// Takes a user who leaves out of all groups, within the caller's transaction, which holds their account; their requests go with
/// them. A group of theirs goes to the manager who joined first, or else to the member who did, those who are suspended last; one
/// without another member is dissolved.
///
/// # Errors
/// When the database fails.
pub async fn forget(scope: &Scope, conn: &AsyncPgConnection, user: UserId) -> AppResult<()> {
    let mut ids: BTreeSet<GroupId> = store::members::list_groups_of(conn, user).await?.into_iter().collect();
    ids.extend(store::requests::list_groups_asked(conn, user).await?);
    for id in ids {
        // Removed, or the group dissolved, at the same moment: nothing is left to be done.
        let Some(group) = store::lock_group(conn, id).await? else { continue };
        // A request that waits belongs to the group's lock: those who dissolve it answer all of them.
        store::requests::delete_waiting(conn, id, user).await?;
        let Some(own) = store::members::find_member(conn, id, user).await? else { continue };
        let held = HeldGroup { viewer: user, group, member: Some(own.clone()) };
        if own.role == GroupRole::Owner {
            match find_heir(scope, conn, &held).await? {
                None => {
                    edit::end(scope, conn, &held).await?;
                    continue;
                }
                Some(heir) => {
                    store::members::update_role(conn, own.id, GroupRole::General).await?;
                    edit::crown(scope, conn, &heir, user).await?;
                }
            }
        }
        store::members::delete_members(conn, id, &[user]).await?;
        store::change_member_count(conn, id, -1).await?;
        membership::close_many(scope, conn, held.edit(), &[user]).await?;
        held.tell(scope, conn, SystemChange::Left, &[user]).await?;
    }
    Ok(store::requests::delete_all_of(conn, user).await?)
}

/// The member who gets a group when its owner leaves: of those who are not suspended, if there are any, the manager who joined
/// first, or else the member who did.
async fn find_heir(scope: &Scope, conn: &AsyncPgConnection, held: &HeldGroup) -> AppResult<Option<GroupMember>> {
    let now = scope.app.clock.now();
    let mut suspended = None;
    for role in [GroupRole::Manager, GroupRole::General] {
        let found = store::members::list_with_roles(conn, held.group.id, &[role]).await?;
        let ids: Vec<UserId> = found.iter().map(|member| member.user_id).collect();
        let details = if ids.is_empty() { HashMap::new() } else { load_details(conn, &ids).await? };
        let is_active =
            |member: &&GroupMember| details.get(&member.user_id).is_some_and(|details| !details.0.is_suspended(now));
        if let Some(heir) = found.iter().find(is_active) {
            return Ok(Some(heir.clone()));
        }
        suspended = suspended.or_else(|| found.into_iter().next());
    }
    Ok(suspended)
}
