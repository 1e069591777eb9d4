//! The groups in which people sort their friends. What changes them holds the owner's account alone, so that what is counted
//! stays as it is.

use std::collections::HashMap;

use diesel_async::AsyncPgConnection;

use super::friendship_changed;
use crate::domains::accounts::service::lock_viewer_exclusive;
use crate::domains::friends::model::{FriendError, FriendGroup, Friendship};
use crate::domains::friends::policy::{self, GROUP_LIMIT, MOST_AT_ONCE, SHOWN_GROUPS};
use crate::domains::friends::store::{friendships, groups};
use crate::error::{AppError, AppResult, UserError};
use crate::events::model::NewEvent;
use crate::ids::{FriendGroupId, FriendshipId, UserId};
use crate::scope::Scope;
use crate::validation::DomainError;

/// Makes a group of friends, with members.
///
/// # Errors
/// `REQUIRED`, `TOO_LONG`, `INVALID_INPUT` and `CONFLICT` for the name; `CONFLICT` for a group too many; `OUT_OF_RANGE` for too
/// many members, `NOT_FRIENDS` at each who is no friend.
pub async fn create(scope: &Scope, name: &str, members: &[UserId]) -> AppResult<FriendGroup> {
    let name = policy::check_group_name(name)?;
    check_size(members)?;
    let now = scope.app.clock.now();
    scope
        .transaction(async |conn| {
            let viewer = lock_viewer_exclusive(scope, conn).await?;
            if groups::count_groups(conn, viewer).await? >= GROUP_LIMIT {
                return Err(FriendError::TooManyGroups(GROUP_LIMIT).at("").into());
            }
            let group = groups::insert_group(conn, viewer, &name, now).await?;
            let group = group.ok_or_else(|| FriendError::NameTaken.at("name"))?;
            add(scope, conn, &group, members).await?;
            Ok(group)
        })
        .await
}

/// Renames a group of the viewer's friends.
///
/// # Errors
/// `REQUIRED`, `TOO_LONG`, `INVALID_INPUT` and `CONFLICT` for the name; `NOT_FOUND`.
pub async fn rename(scope: &Scope, id: FriendGroupId, name: &str) -> AppResult<FriendGroup> {
    let name = policy::check_group_name(name)?;
    scope
        .transaction(async |conn| {
            let viewer = lock_viewer_exclusive(scope, conn).await?;
            let group = find_own(conn, viewer, id).await?;
            if group.name == name {
                return Ok(group);
            }
            if groups::is_name_taken(conn, viewer, &name, id).await? {
                return Err(FriendError::NameTaken.at("name").into());
            }
            let group = groups::update_name(conn, id, &name).await?;
            scope.record(conn, &[friendship_changed(viewer, viewer)]).await?;
            Ok(group)
        })
        .await
}

/// Deletes a group of the viewer's friends, who stay friends.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn delete(scope: &Scope, id: FriendGroupId) -> AppResult<()> {
    scope
        .transaction(async |conn| {
            let viewer = lock_viewer_exclusive(scope, conn).await?;
            if !groups::delete_group(conn, viewer, id).await? {
                return Err(FriendError::NoSuchGroup.at("id").into());
            }
            scope.record(conn, &[friendship_changed(viewer, viewer)]).await
        })
        .await
}

/// Sorts friends into a group, all or none; those who are in it stay.
///
/// # Errors
/// `NOT_FOUND`; `OUT_OF_RANGE` for too many, `NOT_FRIENDS` at each who is no friend.
pub async fn add_members(scope: &Scope, id: FriendGroupId, members: &[UserId]) -> AppResult<FriendGroup> {
    check_size(members)?;
    scope
        .transaction(async |conn| {
            let viewer = lock_viewer_exclusive(scope, conn).await?;
            let group = find_own(conn, viewer, id).await?;
            add(scope, conn, &group, members).await?;
            Ok(group)
        })
        .await
}

/// Takes people out of a group; those who aren't in it don't matter.
///
/// # Errors
/// `NOT_FOUND`; `OUT_OF_RANGE` for too many.
pub async fn remove_members(scope: &Scope, id: FriendGroupId, members: &[UserId]) -> AppResult<FriendGroup> {
    check_size(members)?;
    scope
        .transaction(async |conn| {
            let viewer = lock_viewer_exclusive(scope, conn).await?;
            let group = find_own(conn, viewer, id).await?;
            let known = friendships::list_among(conn, viewer, members).await?;
            let ids: Vec<FriendshipId> = known.iter().map(|friendship| friendship.id).collect();
            let removed = groups::delete_members(conn, id, &ids).await?;
            record_sorted(scope, conn, &known, &removed).await?;
            Ok(group)
        })
        .await
}

fn check_size(members: &[UserId]) -> AppResult<()> {
    if members.len() > MOST_AT_ONCE {
        return Err(FriendError::TooManyAtOnce(MOST_AT_ONCE).at("memberIds").into());
    }
    Ok(())
}

async fn find_own(conn: &AsyncPgConnection, viewer: UserId, id: FriendGroupId) -> AppResult<FriendGroup> {
    let group = groups::list_by_ids(conn, viewer, &[id]).await?.pop();
    group.ok_or_else(|| FriendError::NoSuchGroup.at("id").into())
}

/// Sorts friends of a group's owner, whose account is held, into it.
async fn add(scope: &Scope, conn: &AsyncPgConnection, group: &FriendGroup, members: &[UserId]) -> AppResult<()> {
    if members.is_empty() {
        return Ok(());
    }
    let known: Vec<Friendship> = friendships::list_among(conn, group.owner_id, members).await?;
    let seen: HashMap<UserId, FriendshipId> =
        known.iter().filter(|side| !side.hidden).map(|side| (side.friend_id, side.id)).collect();
    let strangers: Vec<UserError> = members
        .iter()
        .enumerate()
        .filter(|(_, id)| !seen.contains_key(id))
        .map(|(n, _)| FriendError::NotFriends.at(&format!("memberIds.{n}")))
        .collect();
    if !strangers.is_empty() {
        return Err(AppError::User(strangers));
    }
    let ids: Vec<FriendshipId> = seen.into_values().collect();
    let added = groups::insert_members(conn, group.id, &ids).await?;
    record_sorted(scope, conn, &known, &added).await
}

/// Records that friends came into a group, or left it.
async fn record_sorted(
    scope: &Scope,
    conn: &AsyncPgConnection,
    known: &[Friendship],
    changed: &[FriendshipId],
) -> AppResult<()> {
    let changed = known.iter().filter(|side| changed.contains(&side.id) && !side.hidden);
    let events: Vec<NewEvent> = changed.map(|side| friendship_changed(side.owner_id, side.friend_id)).collect();
    scope.record(conn, &events).await
}

/// The viewer's groups of friends, the oldest first.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list(scope: &Scope) -> AppResult<Vec<FriendGroup>> {
    let viewer = scope.viewer()?.user_id;
    Ok(groups::list_groups(&*scope.db.read().await?, viewer).await?)
}

/// Groups of the viewer's friends, by id.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn load(scope: &Scope, ids: &[FriendGroupId]) -> AppResult<HashMap<FriendGroupId, FriendGroup>> {
    let viewer = scope.viewer()?.user_id;
    let found = groups::list_by_ids(&*scope.db.read().await?, viewer, ids).await?;
    Ok(found.into_iter().map(|group| (group.id, group)).collect())
}

/// The groups that friendships of the viewer's are in, the oldest first, of each as many as are shown.
///
/// # Errors
/// When the database fails.
pub async fn load_of_friendships(
    scope: &Scope,
    ids: &[FriendshipId],
) -> AppResult<HashMap<FriendshipId, Vec<FriendGroup>>> {
    let mut found: HashMap<FriendshipId, Vec<FriendGroup>> = HashMap::new();
    for (friendship, group) in groups::list_of_friendships(&*scope.db.read().await?, ids).await? {
        let of_friend = found.entry(friendship).or_default();
        if of_friend.len() < SHOWN_GROUPS {
            of_friend.push(group);
        }
    }
    Ok(found)
}
