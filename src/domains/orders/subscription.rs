//! Subscriptions of orders.

use async_graphql::{Context, ID, Subscription};
use futures_util::Stream;

use super::service;
use super::types::Order;
use crate::error::{AppError, AppResult};
use crate::events::EventKind;
use crate::graphql::context::PlazaContext;
use crate::graphql::live::{follow, visible};
use crate::graphql::scalars::query_id;
use crate::ids::OrderId;
use crate::live::EventPayload;
use crate::live::visible::Shown;

/// Subscriptions of orders.
#[derive(Default)]
pub struct OrderSubscription;

/// Subscriptions of orders.
#[Subscription]
impl OrderSubscription {
    /// The viewer's orders, and for administrators all users', as they are made and changed; after a later
    /// change of role, subscribe anew.
    /// Nothing is replayed: fetch anew after a reconnect, or follow `events`. Error: `FORBIDDEN`
    /// for an order that the viewer can't see.
    async fn order_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "This order alone, by its global id.")] order_id: Option<ID>,
    ) -> Result<impl Stream<Item = AppResult<Order>> + use<>, AppError> {
        let viewer = ctx.viewer()?.user_id;
        let only = order_id.map(|id| query_id(OrderId::parse, &id, "orderId")).transpose()?;
        if let Some(id) = only
            && service::load_seen_by(&*ctx.app()?.database.get().await?, viewer, &[id]).await?.is_empty()
        {
            return Err(AppError::forbidden());
        }
        let events = follow(ctx, &[EventKind::OrderChanged], None, None).await?;
        visible(ctx, events, move |_, shown| match shown {
            Shown::Payload(EventPayload::Order(order)) => {
                only.is_none_or(|only| only == order.id).then_some(Order(order))
            }
            Shown::Payload(_) | Shown::Item(_) => None,
        })
    }
}
