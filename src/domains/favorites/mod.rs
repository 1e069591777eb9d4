//! Favorites: the items that a user likes.
//!
//! Invariants:
//! - A person has an item at most once (`favorites_user_id_item_id_key`); adding and removing may be repeated.
//! - `items.favorite_count` is the number of its favorites: counted in the transaction that adds or removes them, with
//!   the items held in the order of their ids.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod query;
pub mod service;
pub mod store;
pub mod types;
