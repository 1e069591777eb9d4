//! Batches of friends.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{FriendGroup, FriendRequest, Friendship, Relationship};
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::{FriendGroupId, FriendRequestId, FriendshipId, UserId};
use crate::scope::Scope;

/// The viewer's friendships, by id.
pub struct OwnFriendship;

impl Batch for OwnFriendship {
    type Key = FriendshipId;
    type Value = Arc<Friendship>;

    async fn load(scope: &Scope, keys: &[FriendshipId]) -> AppResult<HashMap<FriendshipId, Arc<Friendship>>> {
        service::friendships::load(scope, keys).await
    }
}

/// The viewer's friendships, by friend.
pub struct FriendshipWith;

impl Batch for FriendshipWith {
    type Key = UserId;
    type Value = Arc<Friendship>;

    async fn load(scope: &Scope, keys: &[UserId]) -> AppResult<HashMap<UserId, Arc<Friendship>>> {
        service::load_friendships(scope, keys).await
    }
}

/// The groups that friendships of the viewer's are in.
pub struct GroupsOfFriendship;

impl Batch for GroupsOfFriendship {
    type Key = FriendshipId;
    type Value = Vec<FriendGroup>;

    async fn load(scope: &Scope, keys: &[FriendshipId]) -> AppResult<HashMap<FriendshipId, Vec<FriendGroup>>> {
        service::groups::load_of_friendships(scope, keys).await
    }
}

/// The viewer's groups of friends, by id.
pub struct OwnFriendGroup;

impl Batch for OwnFriendGroup {
    type Key = FriendGroupId;
    type Value = FriendGroup;

    async fn load(scope: &Scope, keys: &[FriendGroupId]) -> AppResult<HashMap<FriendGroupId, FriendGroup>> {
        service::groups::load(scope, keys).await
    }
}

/// Requests by id, of those that the viewer sees.
pub struct VisibleRequest;

impl Batch for VisibleRequest {
    type Key = FriendRequestId;
    type Value = Arc<FriendRequest>;

    async fn load(scope: &Scope, keys: &[FriendRequestId]) -> AppResult<HashMap<FriendRequestId, Arc<FriendRequest>>> {
        let viewer = scope.viewer()?.user_id;
        let mut found = service::load_requests(&*scope.db.read().await?, keys).await?;
        found.retain(|_, request| request.is_seen_by(viewer));
        Ok(found)
    }
}

/// What there is between the viewer and other users.
pub struct RelationshipWith;

impl Batch for RelationshipWith {
    type Key = UserId;
    type Value = Arc<Relationship>;

    async fn load(scope: &Scope, keys: &[UserId]) -> AppResult<HashMap<UserId, Arc<Relationship>>> {
        service::load_relationships(scope, keys).await
    }
}
