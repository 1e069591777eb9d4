//! Queries of products.

use async_graphql::{Context, ID, Object};

use super::service::{self, ProductListQuery};
use super::types::{Product, ProductFilter, ProductOrder};
use crate::domains::products::loader::PresentProduct;
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::scalars::query_id;
use crate::ids::ProductId;
use crate::page::PageArgs;

/// The product of this id, if it is in the store, through the loader.
///
/// # Errors
/// When the database fails.
pub async fn find_product(ctx: &Context<'_>, id: ProductId) -> AppResult<Option<Product>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<PresentProduct>(id).await?.map(Product))
}

/// Queries of products.
#[derive(Default)]
pub struct ProductQuery;

/// Queries of products.
#[Object(crate = "crate::graphql::eager")]
impl ProductQuery {
    /// A product by id. Null when there is none, or no more.
    async fn product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product's global id.")] id: ID,
    ) -> Option<AppResult<Product>> {
        async { find_product(ctx, query_id(ProductId::parse, &id, "id")?).await }.await.transpose()
    }

    /// What the points store has. A page with pictures costs two statements.
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which products.")] filter: Option<ProductFilter>,
        #[graphql(desc = "In which order; the newest first where none is given.")] order_by: Option<ProductOrder>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Product>> {
        let list = ProductListQuery::new(filter.map(Into::into).unwrap_or_default(), order_by.map(Into::into));
        let page = list.page(PageArgs { first, after, last, before })?;
        let products = service::list_products(ctx.scope()?, &list, &page).await?;
        Ok(Connection::new(products, Into::into, move |scope, bound| {
            let list = list.clone();
            Box::pin(async move { service::count_products(scope, &list, bound).await })
        }))
    }
}
