//! Batches of favorites.

use std::collections::HashMap;

use super::model::FavoriteCard;
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::FavoriteId;
use crate::scope::Scope;

/// Favorites of the viewer's, by id.
pub struct OwnFavorite;

impl Batch for OwnFavorite {
    type Key = FavoriteId;
    type Value = FavoriteCard;

    async fn load(scope: &Scope, keys: &[FavoriteId]) -> AppResult<HashMap<FavoriteId, FavoriteCard>> {
        service::load(scope, keys).await
    }
}
