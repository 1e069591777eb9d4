//! Mutations of wallets.

use async_graphql::{Context, ID, Object};

use super::service;
use super::types::WalletPayload;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::scalars::{Decimal, mutation_id};
use crate::ids::UserId;

/// Mutations of wallets.
#[derive(Default)]
pub struct WalletMutation;

/// Mutations of wallets.
#[Object(crate = "crate::graphql::eager")]
impl WalletMutation {
    /// Adds play money to the viewer's balance: nothing is paid for it. User errors: `OUT_OF_RANGE`, `FORBIDDEN` where the
    /// operator has switched it off, `CONFLICT` when the wallet can't hold more, `IDEMPOTENCY_MISMATCH`.
    async fn recharge_wallet(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much, in yuan: 0.01 to 99999999.99.")] amount: Decimal,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<WalletPayload>> {
        let recharge = async { service::recharge(ctx.scope()?, amount.0, idempotency_key).await };
        mutation(ctx, recharge, Into::into).await
    }

    /// Changes another person's balance, up or down; administrators alone. User errors: `SELF_TARGET`, `NOT_FOUND`, `OUT_OF_RANGE`, `REQUIRED`,
    /// `TOO_LONG` and `INVALID_INPUT` for the note, `INSUFFICIENT_BALANCE` where there is less to take, `CONFLICT` when the
    /// wallet can't hold more, `IDEMPOTENCY_MISMATCH`.
    async fn adjust_balance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose balance, by their global id.")] user_id: ID,
        #[graphql(desc = "By how much, in yuan: 0.01 to 99999999.99, or as much below zero.")] amount: Decimal,
        #[graphql(desc = "Why, for them to read: one line of 1 to 200 characters.")] note: String,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<WalletPayload>> {
        let adjust = async {
            // Who may not do it learns nothing of ids.
            let user = mutation_id(UserId::parse, &user_id, "userId").unwrap_or(UserId(0));
            service::adjust(ctx.scope()?, user, amount.0, note, idempotency_key).await
        };
        mutation(ctx, adjust, Into::into).await
    }
}
