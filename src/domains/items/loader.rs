//! Batches of items.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::ItemCard;
use super::service;
use crate::domains::items::service::list::{ItemList, list_by_owners};
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::{ItemId, UserId};
use crate::page::Page;
use crate::scope::Scope;

/// Items by id, of those that the viewer may see.
pub struct VisibleItem;

impl Batch for VisibleItem {
    type Key = ItemId;
    type Value = Arc<ItemCard>;

    async fn load(scope: &Scope, keys: &[ItemId]) -> AppResult<HashMap<ItemId, Arc<ItemCard>>> {
        service::load_visible(scope, keys).await
    }
}

/// A page of a user's items, by user and the list's arguments: one statement for each set of arguments.
pub struct ItemsByOwner;

impl Batch for ItemsByOwner {
    type Key = (UserId, Arc<ItemList>);
    type Value = AppResult<Page<ItemCard>>;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, Self::Value>> {
        let mut lists: HashMap<&Arc<ItemList>, Vec<UserId>> = HashMap::new();
        for (owner, list) in keys {
            lists.entry(list).or_default().push(*owner);
        }
        let mut found = HashMap::with_capacity(keys.len());
        for (list, owners) in lists {
            let pages = list_by_owners(scope, list, &owners).await?;
            found.extend(pages.into_iter().map(|(owner, page)| ((owner, Arc::clone(list)), page)));
        }
        Ok(found)
    }
}
