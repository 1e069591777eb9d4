//! What becomes of groups when an account is deleted.

use diesel_async::AsyncPgConnection;

use super::{HeldGroup, edit};
use crate::domains::chat::membership;
use crate::domains::groups::model::{GroupMember, GroupRole};
use crate::domains::groups::store;
use crate::error::AppResult;
use crate::ids::UserId;
use crate::scope::Scope;

/// Takes a user who leaves out of all groups, within the caller's transaction, which holds their account; their requests go with
/// them. A group of theirs goes to the manager who joined first, or else to the member who did; one without another member is
/// dissolved.
///
/// # Errors
/// When the database fails.
pub async fn forget(scope: &Scope, conn: &AsyncPgConnection, user: UserId) -> AppResult<()> {
    store::requests::delete_all_of(conn, user).await?;
    for id in store::members::list_groups_of(conn, user).await? {
        // Removed, or the group dissolved, at the same moment: nothing is left to be done.
        let Some(group) = store::lock_group(conn, id).await? else { continue };
        let Some(own) = store::members::find_member(conn, id, user).await? else { continue };
        let held = HeldGroup { viewer: user, group, member: Some(own.clone()) };
        if own.role == GroupRole::Owner {
            match find_heir(conn, &held).await? {
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
    }
    Ok(())
}

/// The member who gets a group when its owner leaves.
async fn find_heir(conn: &AsyncPgConnection, held: &HeldGroup) -> AppResult<Option<GroupMember>> {
    for role in [GroupRole::Manager, GroupRole::General] {
        let found = store::members::list_with_roles(conn, held.group.id, &[role]).await?;
        if let Some(heir) = found.into_iter().next() {
            return Ok(Some(heir));
        }
    }
    Ok(None)
}
