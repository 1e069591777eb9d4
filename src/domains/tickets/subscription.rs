//! Subscriptions of tickets.

use async_graphql::{Context, ID, Subscription};
use futures_util::Stream;

use super::service;
use super::types::Ticket;
use crate::error::{AppError, AppResult};
use crate::events::EventKind;
use crate::graphql::context::PlazaContext;
use crate::graphql::live::{follow, visible};
use crate::graphql::scalars::query_id;
use crate::ids::TicketId;
use crate::live::EventPayload;
use crate::live::visible::Shown;

/// Subscriptions of tickets.
#[derive(Default)]
pub struct TicketSubscription;

/// Subscriptions of tickets.
#[Subscription]
impl TicketSubscription {
    /// The viewer's tickets, and for support and administrators all users', as they are made and changed; after a
    /// later change of role, subscribe anew.
    /// Nothing is replayed: fetch anew after a reconnect, or follow `events`. Error: `FORBIDDEN`
    /// for a ticket that the viewer can't see.
    async fn ticket_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "This ticket alone, by its global id.")] ticket_id: Option<ID>,
    ) -> Result<impl Stream<Item = AppResult<Ticket>> + use<>, AppError> {
        let viewer = ctx.viewer()?.user_id;
        let only = ticket_id.map(|id| query_id(TicketId::parse, &id, "ticketId")).transpose()?;
        if let Some(id) = only
            && service::load_seen_by(&*ctx.app()?.database.get().await?, viewer, &[id]).await?.is_empty()
        {
            return Err(AppError::forbidden());
        }
        let events = follow(ctx, &[EventKind::TicketChanged], None, None).await?;
        visible(ctx, events, move |_, shown| match shown {
            Shown::Payload(EventPayload::Ticket(ticket)) => {
                only.is_none_or(|only| only == ticket.id).then_some(Ticket(ticket))
            }
            Shown::Payload(_) | Shown::Item(_) => None,
        })
    }
}
