//! Who can be added to a group.

use std::collections::HashSet;

use diesel_async::AsyncPgConnection;

use super::HeldGroup;
use crate::domains::accounts::service::{lock_nicknames, lock_viewer_shared};
use crate::domains::groups::model::GroupError;
use crate::domains::relations;
use crate::error::{AppResult, UserError};
use crate::ids::UserId;
use crate::scope::Scope;
use crate::validation::DomainError;

/// Holds the accounts of the viewer and of users to be added, in the order of their keys: two who add each other at the same
/// moment do not wait for each other.
///
/// # Errors
/// Unauthenticated when the viewer left.
pub(super) async fn lock_invited(scope: &Scope, conn: &AsyncPgConnection, users: &[UserId]) -> AppResult<UserId> {
    if !users.is_empty() {
        let viewer = scope.viewer()?.user_id;
        let all: Vec<UserId> = users.iter().copied().chain([viewer]).collect();
        lock_nicknames(conn, &all).await?;
    }
    lock_viewer_shared(scope, conn).await
}

/// Who of some users can be added by the viewer: friends who do not block them. The others' errors carry their places. All of
/// the accounts are held.
///
/// # Errors
/// When the database fails.
pub(super) async fn check_invited(
    conn: &AsyncPgConnection,
    viewer: UserId,
    users: &[UserId],
    path: &str,
) -> AppResult<(Vec<UserId>, Vec<UserError>)> {
    if users.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let friends: HashSet<UserId> =
        relations::service::list_friends_among(conn, viewer, users).await?.into_iter().collect();
    let blocks = relations::service::list_blocks_among(conn, viewer, users).await?;
    let (mut invited, mut errors) = (Vec::new(), Vec::new());
    for (n, user) in users.iter().enumerate() {
        let error = if *user == viewer {
            Some(GroupError::SelfTarget)
        } else if !friends.contains(user) || blocks.contains(&(viewer, *user)) {
            Some(GroupError::NotFriends)
        } else if blocks.contains(&(*user, viewer)) {
            Some(GroupError::NotTaken)
        } else {
            None
        };
        match error {
            Some(error) => errors.push(error.at(&format!("{path}.{n}"))),
            None => invited.push(*user),
        }
    }
    Ok((invited, errors))
}

impl HeldGroup {
    /// Who of some users blocks the owner of the group or is blocked by the owner: a member who is a friend of both does not bring
    /// them together.
    pub(super) async fn list_blocked(&self, conn: &AsyncPgConnection, users: &[UserId]) -> AppResult<HashSet<UserId>> {
        let owner = self.group.owner_id;
        // Their own blocks were looked at before.
        if owner == self.viewer || users.is_empty() {
            return Ok(HashSet::new());
        }
        let blocks = relations::service::list_blocks_among(conn, owner, users).await?;
        Ok(blocks.into_iter().map(|(blocker, blocked)| if blocker == owner { blocked } else { blocker }).collect())
    }
}
