//! Rows of favorites.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};

use crate::db::schema;
use crate::domains::items::model::ItemCard;
use crate::ids::{FavoriteId, ItemId, UserId};

/// A user likes an item.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::favorites)]
pub struct Favorite {
    /// Key.
    pub id: FavoriteId,
    /// Who.
    pub user_id: UserId,
    /// What.
    pub item_id: ItemId,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// A favorite with its item, as its person sees it.
#[derive(Clone, Debug)]
pub struct FavoriteCard {
    /// The row.
    pub favorite: Favorite,
    /// None once it is gone for them.
    pub item: Option<Arc<ItemCard>>,
}

/// What came of adding or removing favorites.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The favorites that were asked for, as they are now or were.
    pub favorites: Vec<FavoriteCard>,
    /// How many of them came or went.
    pub count: usize,
}
