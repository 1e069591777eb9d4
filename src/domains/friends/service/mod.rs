//! Use cases of friends: finding them here; [`requests`], [`friendships`], [`block`]s and [`groups`] apart, and what follows for
//! them from changed [`profiles`] and from a [`departure`].
//!
//! Locks: the accounts, then the row of the two people, then requests, friendships and counts, then conversations.

pub mod block;
pub mod departure;
pub mod friendships;
pub mod groups;
pub mod profiles;
pub mod requests;

use std::collections::HashMap;
use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::model::{FriendError, FriendRequest, Friendship, NewFriendship, Relationship};
use super::store;
use crate::db::violated_constraint;
use crate::domains::accounts::service::{lock_nicknames, lock_person_shared, lock_viewer_shared};
use crate::domains::friends::model::AnsweredRequest;
use crate::domains::friends::names::sort_key;
use crate::domains::friends::policy::FRIEND_LIMIT;
use crate::domains::relations;
use crate::error::{AppError, AppResult};
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::ids::{FriendRequestId, UserId};
use crate::scope::Scope;
use crate::validation::DomainError;

/// The viewer and another user, both held against leaving.
async fn lock_people(scope: &Scope, conn: &AsyncPgConnection, other: UserId, path: &str) -> AppResult<UserId> {
    let viewer = scope.viewer()?.user_id;
    if viewer == other {
        return Err(FriendError::SelfTarget.at(path).into());
    }
    // With the lock that reading the nicknames takes later: a weaker one first would have to be raised.
    lock_nicknames(conn, &[viewer, other]).await?;
    lock_viewer_shared(scope, conn).await?;
    if lock_person_shared(conn, other).await? { Ok(viewer) } else { Err(FriendError::NoSuchUser.at(path).into()) }
}

/// Makes two people friends, whose row is held; the viewer's side.
async fn make_friends(
    scope: &Scope,
    conn: &AsyncPgConnection,
    viewer: UserId,
    other: UserId,
    path: &str,
) -> AppResult<Friendship> {
    let now = scope.app.clock.now();
    let names = lock_nicknames(conn, &[viewer, other]).await?;
    let key = |id: UserId| sort_key(names.get(&id).map_or("", String::as_str));
    relations::service::update_friends_since(conn, viewer, other, Some(now)).await?;
    let (own_key, other_key) = (key(viewer), key(other));
    let sides = [
        NewFriendship { owner: viewer, friend: other, sort_key: &other_key },
        NewFriendship { owner: other, friend: viewer, sort_key: &own_key },
    ];
    let sides = store::friendships::insert_pair(conn, sides, now).await?;
    store::friendships::count_more(conn, [viewer, other]).await.map_err(|error| {
        let is_full = violated_constraint(&error) == Some("friend_counts_friends_check");
        if is_full { FriendError::TooManyFriends(FRIEND_LIMIT).at(path).into() } else { AppError::from(error) }
    })?;
    let own = sides.into_iter().find(|side| side.owner_id == viewer);
    own.ok_or_else(|| AppError::internal("a friendship has no side of the viewer's"))
}

/// Records that a friendship of a person's changed, for their own devices.
fn friendship_changed(owner: UserId, friend: UserId) -> NewEvent {
    NewEvent { target_id: Some(friend.0), ..NewEvent::new(EventKind::FriendshipChanged, Topic::user(owner)) }
}

/// The viewer's friendships with some users, of those that they see.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn load_friendships(scope: &Scope, friends: &[UserId]) -> AppResult<HashMap<UserId, Arc<Friendship>>> {
    let viewer = scope.viewer()?.user_id;
    let found = store::friendships::list_among(&*scope.db.read().await?, viewer, friends).await?;
    let seen = found.into_iter().filter(|friendship| !friendship.hidden);
    Ok(seen.map(|friendship| (friendship.friend_id, Arc::new(friendship))).collect())
}

/// Friendships by owner and friend, of those that their owners see.
///
/// # Errors
/// When the database fails.
pub async fn load_friendships_at(
    conn: &AsyncPgConnection,
    pairs: &[(UserId, UserId)],
) -> AppResult<HashMap<(UserId, UserId), Arc<Friendship>>> {
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let found = store::friendships::list_at(conn, pairs).await?;
    let seen = found.into_iter().filter(|friendship| !friendship.hidden);
    Ok(seen.map(|friendship| ((friendship.owner_id, friendship.friend_id), Arc::new(friendship))).collect())
}

/// Requests by id; who sees them is asked by those who show them.
///
/// # Errors
/// When the database fails.
pub async fn load_requests(
    conn: &AsyncPgConnection,
    ids: &[FriendRequestId],
) -> AppResult<HashMap<FriendRequestId, Arc<FriendRequest>>> {
    let found = store::requests::list_by_ids(conn, ids).await?;
    Ok(found.into_iter().map(|request| (request.id, Arc::new(request))).collect())
}

/// What there is between the viewer and some users.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn load_relationships(scope: &Scope, others: &[UserId]) -> AppResult<HashMap<UserId, Arc<Relationship>>> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read().await?;
    let now = scope.app.clock.now();
    let (friendships, blocks, waiting) = futures_util::try_join!(
        store::friendships::list_among(&conn, viewer, others),
        relations::service::list_blocks_among(&conn, viewer, others),
        store::requests::list_waiting_among(&conn, viewer, others, now),
    )?;
    let mut found: HashMap<UserId, Relationship> =
        others.iter().map(|id| (*id, Relationship { is_self: *id == viewer, ..Relationship::default() })).collect();
    for friendship in friendships {
        if let Some(relationship) = found.get_mut(&friendship.friend_id) {
            relationship.is_friend = !friendship.hidden;
        }
    }
    for (blocker, blocked) in blocks {
        let other = if blocker == viewer { blocked } else { blocker };
        if let Some(relationship) = found.get_mut(&other) {
            relationship.blocks.own |= blocker == viewer;
            relationship.blocks.theirs |= blocked == viewer;
        }
    }
    for request in waiting.into_iter().map(Arc::new) {
        let is_outgoing = request.from_user_id == viewer;
        let other = if is_outgoing { request.to_user_id } else { request.from_user_id };
        if let Some(relationship) = found.get_mut(&other) {
            if is_outgoing {
                relationship.outgoing = Some(request);
            } else {
                relationship.incoming = Some(request);
            }
        }
    }
    Ok(found.into_iter().map(|(id, relationship)| (id, Arc::new(relationship))).collect())
}

/// What became of a request, and the viewer's side of the friendship that there is.
async fn answered(conn: &AsyncPgConnection, viewer: UserId, request: FriendRequest) -> AppResult<AnsweredRequest> {
    let other = if request.from_user_id == viewer { request.to_user_id } else { request.from_user_id };
    let friendship = store::friendships::list_among(conn, viewer, &[other]).await?.pop();
    Ok(AnsweredRequest { request, friendship: friendship.filter(|friendship| !friendship.hidden) })
}
