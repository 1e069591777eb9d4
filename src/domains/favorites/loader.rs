//! Batches of favorites.

use std::collections::HashMap;

use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::{FavoriteId, ItemId};
use crate::scope::Scope;

/// The viewer's favorite of an item.
pub struct LikedItem;

impl Batch for LikedItem {
    type Key = ItemId;
    type Value = FavoriteId;

    async fn load(scope: &Scope, keys: &[ItemId]) -> AppResult<HashMap<ItemId, FavoriteId>> {
        service::load_liked(scope, keys).await
    }
}
