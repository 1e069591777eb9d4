//! Mutations of groups.

use async_graphql::{Context, ID, Object};

use super::service::{edit, join, members};
use super::types::input::{
    CreateGroupInput, GroupInvitePayload, GroupJoinRequestPayload, GroupMemberPayload, GroupPayload, UpdateGroupInput,
    parse_users,
};
use crate::domains::friends::model::RequestDecision;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::payload::DeletePayload;
use crate::graphql::scalars::mutation_id;
use crate::ids::{GroupId, UserId};

fn group_at(id: &ID) -> AppResult<GroupId> {
    mutation_id(GroupId::parse, id, "groupId")
}

fn user_at(id: &ID) -> AppResult<UserId> {
    mutation_id(UserId::parse, id, "userId")
}

/// Mutations of groups.
#[derive(Default)]
pub struct GroupMutation;

/// Mutations of groups.
#[Object(crate = "crate::graphql::eager")]
impl GroupMutation {
    /// Makes a group, which the viewer owns, with its conversation. User errors: `REQUIRED`, `TOO_LONG`, `INVALID_INPUT`;
    /// `NOT_FOUND` and `FILE_TYPE_NOT_ALLOWED` for what is no picture of theirs; `OUT_OF_RANGE` for coordinates that
    /// do not exist and for too many members, and at each of these `SELF_TARGET`, `NOT_FRIENDS`, or `FORBIDDEN` for a friend who
    /// can't be added; `NOT_FOUND`, or `FORBIDDEN` for a merchant that is not the viewer's; `RATE_LIMITED`.
    async fn create_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group to be.")] input: CreateGroupInput,
    ) -> Option<AppResult<GroupPayload>> {
        let create = async { edit::create(ctx.scope()?, input.parse()?).await };
        mutation(ctx, create, Into::into).await
    }

    /// Changes what a group is and how it is run; for its owner and managers. User errors: `REQUIRED`, `TOO_LONG`,
    /// `INVALID_INPUT`, `OUT_OF_RANGE`; `NOT_FOUND`, `FILE_TYPE_NOT_ALLOWED`, `NOT_MEMBER`, `FORBIDDEN`.
    async fn update_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] id: ID,
        #[graphql(desc = "What changes.")] input: UpdateGroupInput,
    ) -> Option<AppResult<GroupPayload>> {
        let update = async {
            let id = mutation_id(GroupId::parse, &id, "id")?;
            edit::update(ctx.scope()?, id, input.into()).await
        };
        mutation(ctx, update, Into::into).await
    }

    /// Asks to join a group; its owner and managers are told. It waits for 30 days. Who has joined the group's merchant is a
    /// member at once, unless its owner blocks them: then it waits as well. User errors: `TOO_LONG` and
    /// `INVALID_INPUT` for the reason; `NOT_FOUND`, `ALREADY_EXISTS` for a member, `REQUEST_PENDING`, `GROUP_CLOSED`,
    /// `GROUP_FULL`, `RATE_LIMITED`.
    async fn request_to_join_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] group_id: ID,
        #[graphql(desc = "What to say with it, at most 200 characters; may be empty.")] reason: String,
    ) -> Option<AppResult<GroupJoinRequestPayload>> {
        let request = async { join::request(ctx.scope()?, group_at(&group_id)?, &reason).await };
        mutation(ctx, request, Into::into).await
    }

    /// Lets a user in who asked to join, or denies it; for the owner and managers. May be repeated: answered alike, nothing
    /// changes. User errors: `TOO_LONG` and `INVALID_INPUT` for the reason; `NOT_FOUND`, `NOT_MEMBER`, `FORBIDDEN`,
    /// `GROUP_FULL`; `CONFLICT` where it was answered otherwise, withdrawn or has expired.
    async fn respond_to_join_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] group_id: ID,
        #[graphql(desc = "Global id of the user who asked.")] user_id: ID,
        #[graphql(desc = "Whether to let them in.")] decision: RequestDecision,
        #[graphql(desc = "What to say with a denial, at most 200 characters; the sender reads it.")] reason: Option<
            String,
        >,
    ) -> Option<AppResult<GroupJoinRequestPayload>> {
        let respond = async {
            let (group, user) = (group_at(&group_id)?, user_at(&user_id)?);
            join::respond(ctx.scope()?, group, user, decision, reason.as_deref()).await
        };
        mutation(ctx, respond, Into::into).await
    }

    /// Withdraws the viewer's request to join a group. May be repeated. User errors: `NOT_FOUND`; `CONFLICT` where it was
    /// answered or has expired.
    async fn cancel_join_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] group_id: ID,
    ) -> Option<AppResult<GroupJoinRequestPayload>> {
        let cancel = async { join::cancel(ctx.scope()?, group_at(&group_id)?).await };
        mutation(ctx, cancel, Into::into).await
    }

    /// Adds friends of the viewer's to a group at once; where `disableJoinRequests` is set, its owner and managers alone can.
    /// Those who could not be added stand in `userErrors` by their place: `SELF_TARGET`, `NOT_FRIENDS`, `ALREADY_EXISTS`,
    /// `GROUP_FULL`, or `FORBIDDEN` for a friend who can't be added, as where a block is between them and the owner. User errors of the whole: `OUT_OF_RANGE` for more than
    /// 100, `INVALID_INPUT` for a user who is there twice, `NOT_FOUND`, `NOT_MEMBER`, `FORBIDDEN`.
    async fn invite_to_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] group_id: ID,
        #[graphql(desc = "Global ids of friends, at most 100.")] user_ids: Vec<ID>,
    ) -> Option<AppResult<GroupInvitePayload>> {
        let invite = async {
            let (group, users) = (group_at(&group_id)?, parse_users(&user_ids, "userIds")?);
            members::invite(ctx.scope()?, group, &users).await
        };
        mutation(ctx, invite, Into::into).await
    }

    /// Leaves a group. The viewer keeps what they have seen in its conversation. An owner who is alone dissolves it by that.
    /// `deletedId` is the group's. User errors: `NOT_FOUND`, `NOT_MEMBER`, `OWNER_MUST_TRANSFER`.
    async fn leave_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] group_id: ID,
    ) -> Option<AppResult<DeletePayload>> {
        let leave = async { members::leave(ctx.scope()?, group_at(&group_id)?).await };
        mutation(ctx, leave, |()| DeletePayload::deleted(group_id.clone())).await
    }

    /// Dissolves a group of the viewer's: it is found no more, its members keep what they have seen, and requests to join it are
    /// denied. User errors:
    /// `NOT_FOUND`, `NOT_MEMBER`, `FORBIDDEN`.
    async fn dissolve_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] group_id: ID,
    ) -> Option<AppResult<DeletePayload>> {
        let dissolve = async { edit::dissolve(ctx.scope()?, group_at(&group_id)?).await };
        mutation(ctx, dissolve, |()| DeletePayload::deleted(group_id.clone())).await
    }

    /// Gives a group of the viewer's to another member, who is muted no longer; the viewer stays as a general member. User errors: `NOT_FOUND`,
    /// `NOT_MEMBER`, also for a user who is none, `FORBIDDEN`, `SELF_TARGET`.
    async fn transfer_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] group_id: ID,
        #[graphql(desc = "Global id of the member.")] to_user_id: ID,
    ) -> Option<AppResult<GroupPayload>> {
        let transfer = async {
            let (group, to) = (group_at(&group_id)?, mutation_id(UserId::parse, &to_user_id, "toUserId")?);
            edit::transfer(ctx.scope()?, group, to).await
        };
        mutation(ctx, transfer, Into::into).await
    }

    /// Removes a member: the owner any, a manager general members. They keep what they have seen before. `deletedId` is the
    /// member's. User errors: `NOT_FOUND`, `NOT_MEMBER`, also for a user who is none, `FORBIDDEN`, `SELF_TARGET`.
    async fn remove_group_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] group_id: ID,
        #[graphql(desc = "The user's global id.")] user_id: ID,
    ) -> Option<AppResult<DeletePayload>> {
        let remove = async { members::remove(ctx.scope()?, group_at(&group_id)?, user_at(&user_id)?).await };
        mutation(ctx, remove, |id| DeletePayload::deleted(id.global())).await
    }

    /// Lets a member manage a group of the viewer's, or no longer. May be repeated. User errors: `NOT_FOUND`, `NOT_MEMBER`,
    /// also for a user who is none, `FORBIDDEN`, `SELF_TARGET`; `CONFLICT` for more than 20 managers.
    async fn set_group_manager(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] group_id: ID,
        #[graphql(desc = "The user's global id.")] user_id: ID,
        #[graphql(desc = "Whether they are to manage it.")] is_manager: bool,
    ) -> Option<AppResult<GroupMemberPayload>> {
        let set = async {
            let (group, user) = (group_at(&group_id)?, user_at(&user_id)?);
            members::set_manager(ctx.scope()?, group, user, is_manager).await
        };
        mutation(ctx, set, Into::into).await
    }

    /// Mutes a member from now on: the owner any, a manager general members. It ends by itself, and is not ended by leaving
    /// the group. User errors: `OUT_OF_RANGE`, `NOT_FOUND`, `NOT_MEMBER`, also for a user who is none, `FORBIDDEN`,
    /// `SELF_TARGET`.
    async fn mute_group_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] group_id: ID,
        #[graphql(desc = "The user's global id.")] user_id: ID,
        #[graphql(desc = "For how many minutes, up to 43200, which is 30 days; 0 lifts it.")] minutes: i32,
    ) -> Option<AppResult<GroupMemberPayload>> {
        let mute = async {
            let (group, user) = (group_at(&group_id)?, user_at(&user_id)?);
            members::mute(ctx.scope()?, group, user, minutes).await
        };
        mutation(ctx, mute, Into::into).await
    }

    /// Changes what the viewer is called in a group, by the rules of nicknames. User errors: `TOO_LONG`, `INVALID_INPUT`,
    /// `NOT_FOUND`, `NOT_MEMBER`.
    async fn set_group_name_card(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] group_id: ID,
        #[graphql(desc = "At most 30 characters; empty for the nickname.")] name_card: String,
    ) -> Option<AppResult<GroupMemberPayload>> {
        let set = async { members::set_name_card(ctx.scope()?, group_at(&group_id)?, &name_card).await };
        mutation(ctx, set, Into::into).await
    }
}
