//! Mutations of merchants.

use async_graphql::{Context, ID, Object};

use super::service::{self, codes, members};
use super::types::{ActivationCodesPayload, CreateMerchantInput, MerchantPayload, UpdateMerchantInput};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::payload::DeletePayload;
use crate::graphql::scalars::{DateTime, mutation_id};
use crate::ids::{ActivationCodeId, MerchantId, UserId};

fn merchant_at(id: &ID) -> AppResult<MerchantId> {
    mutation_id(MerchantId::parse, id, "merchantId")
}

/// Mutations of merchants.
#[derive(Default)]
pub struct MerchantMutation;

/// Mutations of merchants.
#[Object(crate = "crate::graphql::eager")]
impl MerchantMutation {
    /// Makes a merchant, which the viewer owns, with an activation code from an administrator. User errors: `REQUIRED`,
    /// `TOO_LONG`, `INVALID_INPUT`; `ACTIVATION_CODE_INVALID`, also for one whose time is over, `ACTIVATION_CODE_USED`;
    /// `NOT_FOUND` and `FILE_TYPE_NOT_ALLOWED` for what is no picture of theirs; `NOT_FOUND`, or `FORBIDDEN` for a user who
    /// can't be the contact; `RATE_LIMITED`.
    async fn create_merchant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The merchant to be.")] input: CreateMerchantInput,
    ) -> Option<AppResult<MerchantPayload>> {
        let create = async { service::create(ctx.scope()?, input.parse()?).await };
        mutation(ctx, create, Into::into).await
    }

    /// Changes what a merchant is, and its customer-service contact; for its owner. User errors: `REQUIRED`, `TOO_LONG`,
    /// `INVALID_INPUT`; `NOT_FOUND`, `FILE_TYPE_NOT_ALLOWED`, `FORBIDDEN`; `RATE_LIMITED` for naming contacts too often.
    async fn update_merchant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The merchant's global id.")] id: ID,
        #[graphql(desc = "What changes.")] input: UpdateMerchantInput,
    ) -> Option<AppResult<MerchantPayload>> {
        let update = async {
            let id = mutation_id(MerchantId::parse, &id, "id")?;
            service::update(ctx.scope()?, id, input.parse()?).await
        };
        mutation(ctx, update, Into::into).await
    }

    /// Gives a merchant of the viewer's to another member; the viewer stays a member. User errors: `NOT_FOUND`, `FORBIDDEN`, also
    /// for a member who is suspended or in a block with the viewer; `SELF_TARGET`, `NOT_MEMBER` for a user who is none.
    async fn transfer_merchant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The merchant's global id.")] merchant_id: ID,
        #[graphql(desc = "Global id of the member.")] to_user_id: ID,
    ) -> Option<AppResult<MerchantPayload>> {
        let transfer = async {
            let (merchant, to) = (merchant_at(&merchant_id)?, mutation_id(UserId::parse, &to_user_id, "toUserId")?);
            service::transfer(ctx.scope()?, merchant, to).await
        };
        mutation(ctx, transfer, Into::into).await
    }

    /// Resigns as the customer-service contact of a merchant: its owner is the contact then, and is told. User errors:
    /// `NOT_FOUND`, `FORBIDDEN` to other users and to the owner.
    async fn resign_customer_service(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The merchant's global id.")] merchant_id: ID,
    ) -> Option<AppResult<MerchantPayload>> {
        let resign = async { service::resign(ctx.scope()?, merchant_at(&merchant_id)?).await };
        mutation(ctx, resign, Into::into).await
    }

    /// Joins a merchant: the viewer can join its groups at once. May be repeated. User error: `NOT_FOUND`.
    async fn join_merchant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The merchant's global id.")] merchant_id: ID,
    ) -> Option<AppResult<MerchantPayload>> {
        let join = async { members::join(ctx.scope()?, merchant_at(&merchant_id)?).await };
        mutation(ctx, join, Into::into).await
    }

    /// Leaves a merchant; the viewer stays in its groups. An owner who is its only member closes it by that. `deletedId` is the membership's. User errors: `NOT_FOUND`,
    /// `NOT_MEMBER`, `OWNER_MUST_TRANSFER`.
    async fn leave_merchant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The merchant's global id.")] merchant_id: ID,
    ) -> Option<AppResult<DeletePayload>> {
        let leave = async { members::leave(ctx.scope()?, merchant_at(&merchant_id)?).await };
        mutation(ctx, leave, |id| DeletePayload::deleted(id.global())).await
    }

    /// Makes codes, each of which allows one merchant; administrators alone. User errors: `OUT_OF_RANGE` for the count,
    /// `INVALID_INPUT` for a time that is over.
    async fn create_activation_codes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100.")] count: i32,
        #[graphql(desc = "When their time is over; never where none is given.")] expires_at: Option<DateTime>,
    ) -> Option<AppResult<ActivationCodesPayload>> {
        let create = async { codes::create(ctx.scope()?, count, expires_at.map(|at| at.0)).await };
        mutation(ctx, create, Into::into).await
    }

    /// Revokes a code that no merchant was made with: it is no more; administrators alone. User errors: `NOT_FOUND`, `CONFLICT`
    /// for one that was used.
    async fn revoke_activation_code(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The code's global id.")] id: ID,
    ) -> Option<AppResult<DeletePayload>> {
        let revoke = async {
            // What is no code's id is answered as a code that is not there, to administrators alone.
            let code = mutation_id(ActivationCodeId::parse, &id, "id").unwrap_or(ActivationCodeId(0));
            codes::revoke(ctx.scope()?, code).await?;
            Ok(id.clone())
        };
        mutation(ctx, revoke, DeletePayload::deleted).await
    }
}
