//! GraphQL types of favorites.

use std::sync::Arc;

use async_graphql::{ID, Object, SimpleObject};

use super::model::{Changed, FavoriteCard};
use crate::domains::items::types::Item;
use crate::graphql::eager::plain;
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::scalars::DateTime;

/// That the viewer likes an item.
#[derive(Clone, Debug)]
pub struct Favorite(pub FavoriteCard);

/// That the viewer likes an item.
#[Object(crate = "crate::graphql::eager")]
impl Favorite {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.favorite.id.global()
    }

    /// What they like. Null once it is gone for them: deleted, and not theirs.
    fn item(&self) -> Option<Item> {
        self.0.item.as_ref().map(|card| Item(Arc::clone(card)))
    }

    /// Since when.
    fn created_at(&self) -> DateTime {
        self.0.favorite.created_at.into()
    }
}

plain!(Favorite [|favorite: &Favorite| favorite.0.favorite.id.parts()] {
    "item" => item,
    "createdAt" => created_at,
});

/// Favorites that were added or removed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct FavoritesPayload {
    /// Of the items asked for, in their order: after adding, those that are favorites now; after removing, those that
    /// were. Empty when it was refused.
    favorites: Vec<Favorite>,
    /// How many came or went; those that had already don't count.
    changed_count: i32,
    /// Why it was refused; the item at fault stands in `field`, such as `["itemIds", "0"]`.
    user_errors: Vec<UserErrorObject>,
}

impl From<Changed> for FavoritesPayload {
    fn from(Changed { favorites, count }: Changed) -> Self {
        Self {
            favorites: favorites.into_iter().map(Favorite).collect(),
            changed_count: i32::try_from(count).unwrap_or(i32::MAX),
            user_errors: Vec::new(),
        }
    }
}

impl Payload for FavoritesPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { favorites: Vec::new(), changed_count: 0, user_errors }
    }
}
