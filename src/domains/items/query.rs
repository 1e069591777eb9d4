//! Queries of items.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::types::{Item, ItemFilter, ItemOrder};
use crate::domains::items::loader::{ItemsByOwner, VisibleItem};
use crate::domains::items::service::list::{self, ItemList};
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::scalars::query_id;
use crate::ids::{ItemId, UserId};
use crate::page::PageArgs;

/// The item of this id, if the viewer may see it, through the loader.
///
/// # Errors
/// When the database fails.
pub async fn find_item(ctx: &Context<'_>, id: ItemId) -> AppResult<Option<Item>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<VisibleItem>(id).await?.map(Item))
}

/// The list that a field's arguments speak of.
fn list(filter: Option<ItemFilter>, order: Option<ItemOrder>, page: PageArgs) -> AppResult<ItemList> {
    let filter = filter.map(TryInto::try_into).transpose()?.unwrap_or_default();
    Ok(ItemList { filter, sort: order.map(Into::into), page })
}

/// A page of a user's items, for the type that shows users.
///
/// # Errors
/// Bad input.
pub async fn list_of_owner(
    ctx: &Context<'_>,
    owner: UserId,
    filter: Option<ItemFilter>,
    order: Option<ItemOrder>,
    page: PageArgs,
) -> AppResult<Connection<Item>> {
    let list = Arc::new(list(filter, order, page)?);
    let loaders = ctx.loaders()?;
    let items = loaders.get::<ItemsByOwner>((owner, Arc::clone(&list))).await??;
    Ok(Connection::new(items, Into::into, move |scope, bound| {
        Box::pin(list::count_items(scope, (*list).clone(), Some(owner), bound))
    }))
}

/// Queries of items.
#[derive(Default)]
pub struct ItemQuery;

/// Queries of items.
#[Object(crate = "crate::graphql::eager")]
impl ItemQuery {
    /// An item by id. Null when there is none, or when it was deleted and the viewer is neither its owner nor an
    /// administrator.
    async fn item(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The item's global id.")] id: ID,
    ) -> Option<AppResult<Item>> {
        async { find_item(ctx, query_id(ItemId::parse, &id, "id")?).await }.await.transpose()
    }

    /// The market: all users' items. A page with owners, pictures and favorites costs two statements.
    async fn items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which items.")] filter: Option<ItemFilter>,
        #[graphql(desc = "In which order; where none is given, the best first for a query, else the newest.")]
        order_by: Option<ItemOrder>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Item>> {
        let scope = ctx.scope()?;
        let list = list(filter, order_by, PageArgs { first, after, last, before })?;
        let (listing, page) = list.clone().open(scope, false)?;
        let items = list::list_items(scope, &listing, &page).await?;
        Ok(Connection::new(items, Into::into, move |scope, bound| {
            Box::pin(list::count_items(scope, list.clone(), None, bound))
        }))
    }
}

/// The part of the viewer that items know of.
#[derive(Default)]
pub struct ItemViewer;

/// The part of the viewer that items know of.
#[Object(crate = "crate::graphql::eager")]
impl ItemViewer {
    /// Items they put up or took that are sold or got, the last closed first.
    async fn finished_items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Item>> {
        let page = PageArgs { first, after, last, before }.request("finished items")?;
        let items = list::list_finished(ctx.scope()?, &page).await?;
        Ok(Connection::new(items, Into::into, |scope, bound| Box::pin(list::count_finished(scope, bound))))
    }
}
