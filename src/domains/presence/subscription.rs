//! Subscriptions of presence.

use std::sync::Arc;

use async_graphql::{Context, Subscription};
use futures_util::{Stream, StreamExt};

use super::types::PresenceEvent;
use crate::error::{AppError, AppResult};
use crate::graphql::context::PlazaContext;
use crate::live::presence::PresenceSubscription;

/// Subscriptions of presence.
#[derive(Default)]
pub struct PresenceSubscriptions;

/// Subscriptions of presence.
#[Subscription]
impl PresenceSubscriptions {
    /// Friends of the viewer who come online or go offline, within a second; with 3 seconds for a new connection, so that a
    /// reconnect is not told. Nothing is told of friends who let no other user see it, and none is replayed: once subscribed,
    /// fetch `presence` of the friends that are shown.
    async fn presence_changed(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = AppResult<PresenceEvent>> + use<>, AppError> {
        let viewer = ctx.viewer()?.user_id;
        let subscription = PresenceSubscription::open(Arc::clone(ctx.live()?), viewer).await?;
        Ok(subscription.into_stream().map(|notice| Ok(PresenceEvent::of(&notice))))
    }
}
