//! Mutations of favorites.

use async_graphql::{Context, ID, Object};

use super::service;
use super::types::FavoritesPayload;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::scalars::mutation_id;
use crate::ids::ItemId;

fn parse(ids: &[ID]) -> AppResult<Vec<ItemId>> {
    ids.iter().enumerate().map(|(n, id)| mutation_id(ItemId::parse, id, &format!("itemIds.{n}"))).collect()
}

/// Mutations of favorites.
#[derive(Default)]
pub struct FavoriteMutation;

/// Mutations of favorites.
#[Object(crate = "crate::graphql::eager")]
impl FavoriteMutation {
    /// Adds items to the viewer's favorites, all or none. May be repeated: what is among them stays as it is. User
    /// errors: `NOT_FOUND` at each item that there isn't, `OUT_OF_RANGE` for more than a hundred.
    async fn add_favorites(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids of items, at most 100.")] item_ids: Vec<ID>,
    ) -> Option<AppResult<FavoritesPayload>> {
        let add = async {
            let items = parse(&item_ids)?;
            service::add(ctx.scope()?, &items).await
        };
        mutation(ctx, add, Into::into).await
    }

    /// Takes items from the viewer's favorites. May be repeated: what isn't among them doesn't matter. User errors:
    /// `NOT_FOUND` for what is no item's id, `OUT_OF_RANGE` for more than a hundred.
    async fn remove_favorites(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids of items, at most 100.")] item_ids: Vec<ID>,
    ) -> Option<AppResult<FavoritesPayload>> {
        let remove = async {
            let items = parse(&item_ids)?;
            service::remove(ctx.scope()?, &items).await
        };
        mutation(ctx, remove, Into::into).await
    }
}
