//! Mutations of tickets.

use async_graphql::{Context, ID, Object};

use super::service;
use super::types::TicketPayload;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::scalars::mutation_id;
use crate::ids::{OrderId, TicketId};

/// Mutations of tickets.
#[derive(Default)]
pub struct TicketMutation;

/// Mutations of tickets.
#[Object(crate = "crate::graphql::eager")]
impl TicketMutation {
    /// Asks support something. User errors: `REQUIRED`, `TOO_LONG`, `INVALID_INPUT` for the question; `NOT_FOUND` for an
    /// order that is not the viewer's; `RATE_LIMITED`, `IDEMPOTENCY_MISMATCH`.
    async fn create_ticket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is asked, 1 to 2000 characters.")] question: String,
        #[graphql(desc = "Global id of the viewer's order that it is about.")] order_id: Option<ID>,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<TicketPayload>> {
        let create = async {
            let order = order_id.map(|id| mutation_id(OrderId::parse, &id, "orderId")).transpose()?;
            service::create(ctx.scope()?, &question, order, idempotency_key).await
        };
        mutation(ctx, create, Into::into).await
    }

    /// Answers a ticket, or adds to its answer; support and administrators alone. Sent again by the same one, an answer that is
    /// the last already changes nothing. User errors: `REQUIRED`, `TOO_LONG`, `INVALID_INPUT` for the answer; `NOT_FOUND`,
    /// `SELF_TARGET` for one's own, `ILLEGAL_TRANSITION` for one that is closed, `CONFLICT` for one with 20 questions and
    /// answers.
    async fn answer_ticket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ticket's global id.")] id: ID,
        #[graphql(desc = "What is answered, 1 to 2000 characters.")] answer: String,
    ) -> Option<AppResult<TicketPayload>> {
        let reply = async {
            // Who may not answer learns nothing of ids.
            let id = mutation_id(TicketId::parse, &id, "id").unwrap_or(TicketId(0));
            service::answer(ctx.scope()?, id, &answer).await
        };
        mutation(ctx, reply, Into::into).await
    }

    /// Asks more in a ticket that was answered or closed, and opens it again: its author. Sent again, a question that is the
    /// last already changes nothing. User errors: `REQUIRED`, `TOO_LONG`, `INVALID_INPUT` for the content; `NOT_FOUND`,
    /// `FORBIDDEN` to others, `ILLEGAL_TRANSITION` for one that is open, `CONFLICT` for one with 20 questions and answers.
    async fn reopen_ticket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ticket's global id.")] id: ID,
        #[graphql(desc = "What more is asked, 1 to 2000 characters.")] content: String,
    ) -> Option<AppResult<TicketPayload>> {
        let reopen = async {
            let id = mutation_id(TicketId::parse, &id, "id")?;
            service::reopen(ctx.scope()?, id, &content).await
        };
        mutation(ctx, reopen, Into::into).await
    }

    /// Closes a ticket: its author, support, or an administrator. Closed again by the same one, it succeeds and changes
    /// nothing. User errors: `NOT_FOUND`, `ILLEGAL_TRANSITION` for one that another person closed.
    async fn close_ticket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ticket's global id.")] id: ID,
    ) -> Option<AppResult<TicketPayload>> {
        let close = async {
            let id = mutation_id(TicketId::parse, &id, "id")?;
            service::close(ctx.scope()?, id).await
        };
        mutation(ctx, close, Into::into).await
    }
}
