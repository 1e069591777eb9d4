//! Subscriptions of orders.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use futures_util::{Stream, StreamExt};

use super::service;
use super::types::Order;
use crate::app::App;
use crate::error::{AppError, AppResult};
use crate::events::{Event, EventKind, Payload};
use crate::graphql::context::PlazaContext;
use crate::graphql::live::follow;
use crate::graphql::scalars::query_id;
use crate::ids::{OrderId, UserId};

/// Subscriptions of orders.
#[derive(Default)]
pub struct OrderSubscription;

/// Subscriptions of orders.
#[Subscription]
impl OrderSubscription {
    /// The viewer's orders, and for administrators everybody's, as they are made and changed.
    /// Nothing is replayed: fetch anew after a reconnect, or follow `events`. Each costs a statement. Error: `FORBIDDEN`
    /// for a order that the viewer can't see.
    async fn order_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "This order alone, by its global id.")] order_id: Option<ID>,
    ) -> Result<impl Stream<Item = AppResult<Order>> + use<>, AppError> {
        let (app, viewer) = (Arc::clone(ctx.app()?), ctx.viewer()?.user_id);
        let only = order_id.map(|id| query_id(OrderId::parse, &id, "orderId")).transpose()?;
        if let Some(id) = only
            && service::load_seen_by(&*app.database.get().await?, viewer, &[id]).await?.is_empty()
        {
            return Err(AppError::forbidden());
        }
        let stream = follow(ctx, &[EventKind::OrderChanged], None, None).await?;
        Ok(stream.filter_map(move |event| {
            let app = Arc::clone(&app);
            async move {
                match event {
                    Ok(event) => delivery(&app, viewer, &event, only).await.transpose(),
                    Err(error) => Some(Err(error)),
                }
            }
        }))
    }
}

/// The order that an event tells of, as somebody may see it now.
async fn delivery(app: &App, viewer: UserId, event: &Event, only: Option<OrderId>) -> AppResult<Option<Order>> {
    let Payload::Order(id, _) = event.payload else { return Ok(None) };
    if only.is_some_and(|only| only != id) {
        return Ok(None);
    }
    let conn = app.database.get().await?;
    Ok(service::load_seen_by(&conn, viewer, &[id]).await?.remove(&id).map(Order))
}
