//! Queries of orders.

use async_graphql::{Context, ID, Object};

use super::model;
use super::service;
use super::types::{Order, OrderFilter};
use crate::domains::orders::loader::VisibleOrder;
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::scalars::query_id;
use crate::ids::OrderId;
use crate::page::PageArgs;

/// The order of this id, if the viewer may see it, through the loader.
///
/// # Errors
/// When the database fails.
pub async fn find_order(ctx: &Context<'_>, id: OrderId) -> AppResult<Option<Order>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<VisibleOrder>(id).await?.map(Order))
}

async fn connect(ctx: &Context<'_>, filter: model::OrderFilter, args: PageArgs) -> AppResult<Connection<Order>> {
    let page = service::page(&filter, args)?;
    let orders = service::list_orders(ctx.scope()?, &filter, &page).await?;
    Ok(Connection::new(orders, Into::into, move |scope, bound| {
        let filter = filter.clone();
        Box::pin(async move { service::count(scope, &filter, bound).await })
    }))
}

/// Queries of orders.
#[derive(Default)]
pub struct OrderQuery;

/// Queries of orders.
#[Object(crate = "crate::graphql::eager")]
impl OrderQuery {
    /// An order by id. Null when there is none, or when it is neither the viewer's nor are they an administrator.
    async fn order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order's global id.")] id: ID,
    ) -> Option<AppResult<Order>> {
        let find = async {
            ctx.viewer()?;
            find_order(ctx, query_id(OrderId::parse, &id, "id")?).await
        };
        find.await.transpose()
    }

    /// All users' orders, the newest first; administrators alone.
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which orders.")] filter: Option<OrderFilter>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> Option<AppResult<Connection<Order>>> {
        let list = async {
            service::require_admin(ctx.scope()?).await?;
            let filter = filter.map(TryInto::try_into).transpose()?.unwrap_or_default();
            connect(ctx, filter, PageArgs { first, after, last, before }).await
        };
        Some(list.await)
    }
}

/// The part of the viewer that orders know of.
#[derive(Default)]
pub struct OrderViewer;

/// The part of the viewer that orders know of.
#[Object(crate = "crate::graphql::eager")]
impl OrderViewer {
    /// Their orders, the newest first.
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<OrderFilter>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Order>> {
        let viewer = ctx.viewer()?.user_id;
        let mut filter: model::OrderFilter = filter.map(TryInto::try_into).transpose()?.unwrap_or_default();
        if filter.buyer_id.replace(viewer).is_some_and(|buyer| buyer != viewer) {
            filter.status = Some(Vec::new());
        }
        connect(ctx, filter, PageArgs { first, after, last, before }).await
    }
}
