//! Queries of tickets.

use async_graphql::{Context, ID, Object};

use super::service::{self, TicketListQuery};
use super::types::{Ticket, TicketFilter};
use crate::domains::tickets::loader::VisibleTicket;
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::scalars::query_id;
use crate::ids::TicketId;
use crate::page::PageArgs;

/// The ticket of this id, if the viewer may see it, through the loader.
///
/// # Errors
/// When the database fails.
pub async fn find_ticket(ctx: &Context<'_>, id: TicketId) -> AppResult<Option<Ticket>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<VisibleTicket>(id).await?.map(Ticket))
}

async fn connect(ctx: &Context<'_>, list: TicketListQuery, args: PageArgs) -> AppResult<Connection<Ticket>> {
    let page = list.page(args)?;
    let tickets = service::list_tickets(ctx.scope()?, &list, &page).await?;
    Ok(Connection::new(tickets, Into::into, move |scope, bound| {
        let list = list.clone();
        Box::pin(async move { service::count_tickets(scope, &list, bound).await })
    }))
}

/// Queries of tickets.
#[derive(Default)]
pub struct TicketQuery;

/// Queries of tickets.
#[Object(crate = "crate::graphql::eager")]
impl TicketQuery {
    /// A ticket by id. Null when there is none, or when it is neither the viewer's nor are they support or an administrator.
    async fn ticket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ticket's global id.")] id: ID,
    ) -> Option<AppResult<Ticket>> {
        let find = async {
            ctx.viewer()?;
            find_ticket(ctx, query_id(TicketId::parse, &id, "id")?).await
        };
        find.await.transpose()
    }

    /// All users' tickets, the newest first; support and administrators alone.
    async fn tickets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tickets.")] filter: Option<TicketFilter>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> Option<AppResult<Connection<Ticket>>> {
        let list = async {
            service::require_support(ctx.scope()?).await?;
            let list = TicketListQuery::new(filter.map(TryInto::try_into).transpose()?.unwrap_or_default(), None);
            connect(ctx, list, PageArgs { first, after, last, before }).await
        };
        Some(list.await)
    }
}

/// The part of the viewer that tickets know of.
#[derive(Default)]
pub struct TicketViewer;

/// The part of the viewer that tickets know of.
#[Object(crate = "crate::graphql::eager")]
impl TicketViewer {
    /// Tickets they asked, the newest first.
    async fn tickets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<TicketFilter>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Ticket>> {
        let filter = filter.map(TryInto::try_into).transpose()?.unwrap_or_default();
        let list = TicketListQuery::new(filter, Some(ctx.viewer()?.user_id));
        connect(ctx, list, PageArgs { first, after, last, before }).await
    }
}
