//! Queries of friends.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::model::{self, RequestDirection, RequestStatus};
use super::service;
use super::service::friendships::FriendListQuery;
use super::types::{FriendFilter, FriendGroup, FriendRequest, Friendship, Relationship};
use crate::domains::accounts::types::User;
use crate::domains::friends::loader::{
    FriendshipWith, OwnFriendGroup, OwnFriendship, RelationshipWith, VisibleRequest,
};
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::scalars::query_id;
use crate::ids::{FriendGroupId, FriendRequestId, FriendshipId, UserId};
use crate::page::PageArgs;

/// A friendship of the viewer's, through the loader.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_friendship(ctx: &Context<'_>, id: FriendshipId) -> AppResult<Option<Friendship>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<OwnFriendship>(id).await?.map(Friendship))
}

/// A group of the viewer's friends, through the loader.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_group(ctx: &Context<'_>, id: FriendGroupId) -> AppResult<Option<FriendGroup>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<OwnFriendGroup>(id).await?.map(FriendGroup))
}

/// A request that the viewer sees, through the loader.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_request(ctx: &Context<'_>, id: FriendRequestId) -> AppResult<Option<FriendRequest>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<VisibleRequest>(id).await?.map(FriendRequest))
}

/// What there is between the viewer and a user, through the loader; none for a stranger who asks.
///
/// # Errors
/// When the database fails.
pub async fn find_relationship(ctx: &Context<'_>, user: UserId) -> AppResult<Option<Relationship>> {
    if ctx.requester()?.viewer.is_none() {
        return Ok(None);
    }
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<RelationshipWith>(user).await?.map(Relationship))
}

/// A page of the viewer's friends.
///
/// # Errors
/// Unauthenticated without a token; bad input.
pub async fn list_friends(
    ctx: &Context<'_>,
    filter: model::FriendFilter,
    args: PageArgs,
) -> AppResult<Connection<Friendship>> {
    let list = FriendListQuery::new(filter);
    let page = list.page(args)?;
    let friends = service::friendships::list(ctx.scope()?, &list, &page).await?;
    Ok(Connection::new(
        friends,
        |friendship| Friendship(Arc::new(friendship)),
        move |scope, bound| {
            let list = list.clone();
            Box::pin(async move { service::friendships::count(scope, &list, bound).await })
        },
    ))
}

/// Queries of friends.
#[derive(Default)]
pub struct FriendQuery;

/// Queries of friends.
#[Object(crate = "crate::graphql::eager")]
impl FriendQuery {
    /// What there is between the viewer and another user. Null when there is no such user.
    async fn relationship(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The other user's global id.")] user_id: ID,
    ) -> Option<AppResult<Relationship>> {
        let find = async {
            ctx.viewer()?;
            let user = query_id(UserId::parse, &user_id, "userId")?;
            match crate::domains::accounts::query::find_user(ctx, user).await? {
                Some(_) => find_relationship(ctx, user).await,
                None => Ok(None),
            }
        };
        find.await.transpose()
    }
}

/// The part of the viewer that friends know of.
#[derive(Default)]
pub struct FriendViewer;

/// The part of the viewer that friends know of.
#[Object(crate = "crate::graphql::eager")]
impl FriendViewer {
    /// Their friends by name: the remark, or else the nickname; Chinese characters stand where their pinyin does. Without those
    /// whom they block.
    async fn friends(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<FriendFilter>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Friendship>> {
        let filter = filter.map(TryInto::try_into).transpose()?.unwrap_or_default();
        list_friends(ctx, filter, PageArgs { first, after, last, before }).await
    }

    /// Their friendship with a user. Null when they are no friends, or block them.
    async fn friend(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The friend's global id.")] user_id: ID,
    ) -> Option<AppResult<Friendship>> {
        let find = async {
            let user = query_id(UserId::parse, &user_id, "userId")?;
            let loaders = ctx.loaders()?;
            Ok(loaders.find::<FriendshipWith>(user).await?.map(Friendship))
        };
        find.await.transpose()
    }

    /// Those whom they block, the last first.
    async fn blocked_users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<User>> {
        let page = PageArgs { first, after, last, before }.request("blocked users")?;
        let blocked = service::block::list(ctx.scope()?, &page).await?;
        Ok(Connection::new(blocked, User, |scope, bound| Box::pin(service::block::count(scope, bound))))
    }

    /// The groups in which they sort their friends, the oldest first, at most 100.
    async fn friend_groups(&self, ctx: &Context<'_>) -> AppResult<Vec<FriendGroup>> {
        let groups = service::groups::list(ctx.scope()?).await?;
        Ok(groups.into_iter().map(FriendGroup).collect())
    }

    /// One of the groups in which they sort their friends. Null when there is none.
    async fn friend_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] id: ID,
    ) -> Option<AppResult<FriendGroup>> {
        async { find_group(ctx, query_id(FriendGroupId::parse, &id, "id")?).await }.await.transpose()
    }

    /// Requests to become friends, the newest first.
    async fn friend_requests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Those to them, or those that they sent.", default_with = "RequestDirection::Incoming")]
        direction: RequestDirection,
        #[graphql(desc = "With this status alone.")] status: Option<RequestStatus>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<FriendRequest>> {
        let name = format!("friend requests {}", serde_json::to_string(&(direction, status)).unwrap_or_default());
        let page = PageArgs { first, after, last, before }.request(name)?;
        let requests = service::requests::list(ctx.scope()?, direction, status, &page).await?;
        Ok(Connection::new(requests, Into::into, move |scope, bound| {
            Box::pin(service::requests::count(scope, direction, status, bound))
        }))
    }
}
