//! Mutations of orders.

use async_graphql::{Context, ID, Object};

use super::types::{ExchangePayload, OrderPayload, UpdateOrderInput};
use crate::domains::orders::service::{fulfil, place};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::scalars::{Decimal, mutation_id};
use crate::ids::{OrderId, ProductId};

/// Mutations of orders.
#[derive(Default)]
pub struct OrderMutation;

/// Mutations of orders.
#[Object(crate = "crate::graphql::eager")]
impl OrderMutation {
    /// Exchanges the viewer's balance for a piece of a product: stock, balance, order and ledger change together. User
    /// errors: `NOT_FOUND`, `CONFLICT` when the price is not the expected one, `OUT_OF_STOCK`, `INSUFFICIENT_BALANCE`,
    /// `ADDRESS_REQUIRED`, `TOO_LONG` and `INVALID_INPUT` for the address, `IDEMPOTENCY_MISMATCH`.
    async fn exchange_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product's global id.")] id: ID,
        #[graphql(desc = "Where it goes, 1 to 200 characters; to the profile's address where it is left out.")]
        address: Option<String>,
        #[graphql(desc = "The price that was seen, in yuan: nothing happens when it has changed since.")]
        expected_price: Option<Decimal>,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<ExchangePayload>> {
        let exchange = async {
            let id = mutation_id(ProductId::parse, &id, "id")?;
            let expected = expected_price.map(|price| price.0);
            let done = place::exchange(ctx.scope()?, id, address, expected, idempotency_key).await?;
            Ok(done)
        };
        mutation(ctx, exchange, Into::into).await
    }

    /// Changes where a pending order goes: its buyer, or an administrator. Gives it a tracking number, which ships it: an
    /// administrator, not the buyer. User errors: `REQUIRED`, `TOO_LONG`, `INVALID_INPUT` for the input; `NOT_FOUND`,
    /// `FORBIDDEN`, `SELF_TARGET` for an administrator's own order, `ILLEGAL_TRANSITION`, `CONFLICT` with the present address
    /// when it is not `expectedAddress`, and when the address was changed 20 times.
    async fn update_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order's global id.")] id: ID,
        #[graphql(desc = "What changes.")] input: UpdateOrderInput,
    ) -> Option<AppResult<OrderPayload>> {
        let update = async {
            let id = mutation_id(OrderId::parse, &id, "id")?;
            fulfil::update(ctx.scope()?, id, input.into()).await
        };
        mutation(ctx, update, Into::into).await
    }

    /// Says that a shipped order was received: its buyer, or an administrator. The buyer may say so again. User errors: `NOT_FOUND`,
    /// `ILLEGAL_TRANSITION`.
    async fn confirm_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order's global id.")] id: ID,
    ) -> Option<AppResult<OrderPayload>> {
        let confirm = async {
            let id = mutation_id(OrderId::parse, &id, "id")?;
            fulfil::confirm(ctx.scope()?, id).await
        };
        mutation(ctx, confirm, Into::into).await
    }

    /// Calls a pending order off: its buyer, or an administrator. The piece goes back into stock, the money to the buyer.
    /// Called off by the same person for the same reason again, it succeeds and changes nothing. User errors: `NOT_FOUND`,
    /// `ILLEGAL_TRANSITION`, `TOO_LONG` and `INVALID_INPUT` for the reason, `IDEMPOTENCY_MISMATCH`.
    async fn cancel_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order's global id.")] id: ID,
        #[graphql(desc = "Why, for the order's history: one line of at most 200 characters.")] reason: Option<String>,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<OrderPayload>> {
        let cancel = async {
            let id = mutation_id(OrderId::parse, &id, "id")?;
            fulfil::cancel(ctx.scope()?, id, reason, idempotency_key).await
        };
        mutation(ctx, cancel, Into::into).await
    }

    /// Gives the money of a shipped or completed order back; administrators alone. Given back by the same one with the same
    /// arguments again, it succeeds and changes nothing. User errors: `NOT_FOUND`, `FORBIDDEN` to its buyer, `SELF_TARGET` for
    /// an administrator's own order, `ILLEGAL_TRANSITION`, `TOO_LONG` and `INVALID_INPUT` for the reason, `CONFLICT` when its
    /// buyer has left, `IDEMPOTENCY_MISMATCH`.
    async fn refund_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order's global id.")] id: ID,
        #[graphql(desc = "Why, for the order's history: one line of at most 200 characters.")] reason: Option<String>,
        #[graphql(desc = "Whether the piece came back and goes into stock.", default = false)] restock: bool,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<OrderPayload>> {
        let refund = async {
            let id = mutation_id(OrderId::parse, &id, "id")?;
            fulfil::refund(ctx.scope()?, id, reason, restock, idempotency_key).await
        };
        mutation(ctx, refund, Into::into).await
    }
}
