//! Mutations of friends.

use async_graphql::{Context, ID, Object};

use super::model::RequestDecision;
use super::service;
use super::types::{FriendGroupPayload, FriendRequestPayload, FriendshipPayload};
use crate::domains::accounts::types::UserPayload;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::payload::DeletePayload;
use crate::graphql::scalars::mutation_id;
use crate::ids::{FriendGroupId, FriendRequestId, UserId};

fn parse_members(ids: &[ID]) -> AppResult<Vec<UserId>> {
    ids.iter().enumerate().map(|(n, id)| mutation_id(UserId::parse, id, &format!("memberIds.{n}"))).collect()
}

/// Mutations of friends.
#[derive(Default)]
pub struct FriendMutation;

/// Mutations of friends.
#[Object(crate = "crate::graphql::eager")]
impl FriendMutation {
    /// Asks another user to become friends. Where they have asked the viewer already, this accepts it: `friendship` is there
    /// then. It waits for 30 days. User errors: `TOO_LONG` and `INVALID_INPUT` for the reason; `NOT_FOUND`, `SELF_TARGET`,
    /// `ALREADY_FRIENDS`, `REQUEST_PENDING`, `BLOCKED` for a user whom the viewer blocks; `MEMBER_PRIVACY` for a user
    /// who shares only groups with the viewer that don't allow it; `CONFLICT` where it would accept theirs and one of the two has 5,000
    /// friends; `RATE_LIMITED`.
    async fn send_friend_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The other user's global id.")] user_id: ID,
        #[graphql(desc = "What to say with it, at most 200 characters.")] reason: Option<String>,
    ) -> Option<AppResult<FriendRequestPayload>> {
        let send = async {
            let to = mutation_id(UserId::parse, &user_id, "userId")?;
            service::requests::send(ctx.scope()?, to, reason.as_deref()).await
        };
        mutation(ctx, send, Into::into).await
    }

    /// Answers another user's request to the viewer. May be repeated: answered alike, nothing changes. User errors:
    /// `TOO_LONG` and `INVALID_INPUT` for the reason; `NOT_FOUND`, `SELF_TARGET`; `CONFLICT` where it was answered otherwise,
    /// withdrawn or has expired, or where one of the two has 5,000 friends.
    async fn respond_to_friend_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The sender's global id; of several requests the last one is answered.")] from_user_id: ID,
        #[graphql(desc = "Whether to become friends.")] decision: RequestDecision,
        #[graphql(desc = "What to say with a denial, at most 200 characters; the sender reads it.")] reason: Option<
            String,
        >,
    ) -> Option<AppResult<FriendRequestPayload>> {
        let answer = async {
            let from = mutation_id(UserId::parse, &from_user_id, "fromUserId")?;
            service::requests::answer(ctx.scope()?, from, decision, reason.as_deref()).await
        };
        mutation(ctx, answer, Into::into).await
    }

    /// Withdraws a request of the viewer's. May be repeated. User errors: `NOT_FOUND`; `CONFLICT` where it was answered or has
    /// expired.
    async fn cancel_friend_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The request's global id.")] id: ID,
    ) -> Option<AppResult<FriendRequestPayload>> {
        let cancel = async {
            let id = mutation_id(FriendRequestId::parse, &id, "id")?;
            service::requests::cancel(ctx.scope()?, id).await
        };
        mutation(ctx, cancel, Into::into).await
    }

    /// Ends a friendship, for both. `deletedId` is the id of the viewer's friendship. User errors: `NOT_FOUND`, `SELF_TARGET`,
    /// `NOT_FRIENDS`.
    async fn remove_friend(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The friend's global id.")] user_id: ID,
    ) -> Option<AppResult<DeletePayload>> {
        let remove = async {
            let friend = mutation_id(UserId::parse, &user_id, "userId")?;
            service::friendships::remove(ctx.scope()?, friend).await
        };
        mutation(ctx, remove, |id| DeletePayload::deleted(id.global())).await
    }

    /// Blocks a user: they can't send the viewer messages or requests, nor take the viewer's items and tasks, and the other way
    /// round. They are not told, and a friendship is hidden from the viewer alone. May be repeated. User errors: `NOT_FOUND`,
    /// `SELF_TARGET`.
    async fn block_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The other user's global id.")] user_id: ID,
    ) -> Option<AppResult<UserPayload>> {
        let block = async {
            let other = mutation_id(UserId::parse, &user_id, "userId")?;
            service::block::block(ctx.scope()?, other).await
        };
        mutation(ctx, block, UserPayload::changed).await
    }

    /// Unblocks a user; a friendship that was hidden is there again, as it was. May be repeated. User errors: `NOT_FOUND`,
    /// `SELF_TARGET`.
    async fn unblock_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The other user's global id.")] user_id: ID,
    ) -> Option<AppResult<UserPayload>> {
        let unblock = async {
            let other = mutation_id(UserId::parse, &user_id, "userId")?;
            service::block::unblock(ctx.scope()?, other).await
        };
        mutation(ctx, unblock, UserPayload::changed).await
    }

    /// Notes what the viewer calls a friend; they are sorted and found by it. User errors: `TOO_LONG`, `INVALID_INPUT`,
    /// `NOT_FOUND`, `SELF_TARGET`, `NOT_FRIENDS`.
    async fn set_friend_remark(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The friend's global id.")] user_id: ID,
        #[graphql(desc = "At most 30 characters; empty for none.")] remark: String,
    ) -> Option<AppResult<FriendshipPayload>> {
        let edit = async {
            let friend = mutation_id(UserId::parse, &user_id, "userId")?;
            service::friendships::set_remark(ctx.scope()?, friend, &remark).await
        };
        mutation(ctx, edit, Into::into).await
    }

    /// Replaces the viewer's labels for a friend. User errors: `OUT_OF_RANGE` for too many; `REQUIRED`, `TOO_LONG`,
    /// `INVALID_INPUT` at each label; `NOT_FOUND`, `SELF_TARGET`, `NOT_FRIENDS`.
    async fn set_friend_labels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The friend's global id.")] user_id: ID,
        #[graphql(desc = "At most 20 different ones of 1 to 20 characters, in their order.")] labels: Vec<String>,
    ) -> Option<AppResult<FriendshipPayload>> {
        let edit = async {
            let friend = mutation_id(UserId::parse, &user_id, "userId")?;
            service::friendships::set_labels(ctx.scope()?, friend, &labels).await
        };
        mutation(ctx, edit, Into::into).await
    }

    /// Makes a group of friends. User errors: `REQUIRED`, `TOO_LONG` and `INVALID_INPUT` for the name; `CONFLICT` for a name that
    /// another of the viewer's groups has, and for more than 100 groups; `OUT_OF_RANGE` for too many members, `NOT_FOUND` and
    /// `NOT_FRIENDS` at each who is no friend.
    async fn create_friend_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "1 to 30 characters.")] name: String,
        #[graphql(desc = "Global ids of friends to sort into it, at most 500.")] member_ids: Option<Vec<ID>>,
    ) -> Option<AppResult<FriendGroupPayload>> {
        let create = async {
            let members = parse_members(&member_ids.unwrap_or_default())?;
            service::groups::create(ctx.scope()?, &name, &members).await
        };
        mutation(ctx, create, Into::into).await
    }

    /// Renames a group of friends. User errors: `REQUIRED`, `TOO_LONG` and `INVALID_INPUT` for the name, `CONFLICT` for one that
    /// another of the viewer's groups has; `NOT_FOUND`.
    async fn rename_friend_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] id: ID,
        #[graphql(desc = "1 to 30 characters.")] name: String,
    ) -> Option<AppResult<FriendGroupPayload>> {
        let rename = async {
            let id = mutation_id(FriendGroupId::parse, &id, "id")?;
            service::groups::rename(ctx.scope()?, id, &name).await
        };
        mutation(ctx, rename, Into::into).await
    }

    /// Deletes a group of friends; they stay friends. User errors: `NOT_FOUND`.
    async fn delete_friend_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] id: ID,
    ) -> Option<AppResult<DeletePayload>> {
        let delete = async {
            let group = mutation_id(FriendGroupId::parse, &id, "id")?;
            service::groups::delete(ctx.scope()?, group).await
        };
        mutation(ctx, delete, |()| DeletePayload::deleted(id.clone())).await
    }

    /// Sorts friends into a group, all or none. May be repeated: those who are in it stay. User errors: `NOT_FOUND`;
    /// `OUT_OF_RANGE` for too many, `NOT_FRIENDS` at each who is no friend.
    async fn add_friend_group_members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] id: ID,
        #[graphql(desc = "Global ids of friends, at most 500.")] member_ids: Vec<ID>,
    ) -> Option<AppResult<FriendGroupPayload>> {
        let add = async {
            let id = mutation_id(FriendGroupId::parse, &id, "id")?;
            let members = parse_members(&member_ids)?;
            service::groups::add_members(ctx.scope()?, id, &members).await
        };
        mutation(ctx, add, Into::into).await
    }

    /// Takes people out of a group of friends. May be repeated: those who are not in it don't matter. User errors: `NOT_FOUND`;
    /// `OUT_OF_RANGE` for too many.
    async fn remove_friend_group_members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] id: ID,
        #[graphql(desc = "Global ids of users, at most 500.")] member_ids: Vec<ID>,
    ) -> Option<AppResult<FriendGroupPayload>> {
        let remove = async {
            let id = mutation_id(FriendGroupId::parse, &id, "id")?;
            let members = parse_members(&member_ids)?;
            service::groups::remove_members(ctx.scope()?, id, &members).await
        };
        mutation(ctx, remove, Into::into).await
    }
}
