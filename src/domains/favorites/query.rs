//! Queries of favorites.

use async_graphql::{Context, Object};

use super::service;
use super::types::Favorite;
use crate::domains::favorites::loader::OwnFavorite;
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::ids::FavoriteId;
use crate::page::PageArgs;

/// A favorite of the viewer's, through the loader.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_favorite(ctx: &Context<'_>, id: FavoriteId) -> AppResult<Option<Favorite>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<OwnFavorite>(id).await?.map(Favorite))
}

/// The part of the viewer that favorites know of.
#[derive(Default)]
pub struct FavoriteViewer;

/// The part of the viewer that favorites know of.
#[Object(crate = "crate::graphql::eager")]
impl FavoriteViewer {
    /// Items they like, the last added first.
    async fn favorites(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Favorite>> {
        let page = PageArgs { first, after, last, before }.request("favorites")?;
        let favorites = service::list(ctx.scope()?, &page).await?;
        Ok(Connection::new(favorites, Favorite, |scope, bound| Box::pin(service::count(scope, bound))))
    }
}
