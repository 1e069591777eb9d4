//! Use cases of items: looking at them here; [`edit`] and changing them, and [`trade`], apart.

pub mod edit;
pub mod list;
pub mod trade;

use std::collections::HashMap;
use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::model::{Item, ItemCard};
use super::store;
use crate::app::App;
use crate::domains::search;
use crate::domains::search::model::SearchKind;
use crate::error::{AppError, AppResult};
use crate::ids::{ItemId, UserId};
use crate::scope::Scope;

/// Items by id, of those that the viewer may see; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_visible(scope: &Scope, ids: &[ItemId]) -> AppResult<HashMap<ItemId, Arc<ItemCard>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let viewer = scope.requester().viewer.map(|viewer| viewer.user_id);
    load_seen_by(&*scope.db.read().await?, viewer, ids).await
}

/// Items by id, of those that the viewer may see.
///
/// # Errors
/// When the database fails.
pub async fn load_seen_by(
    conn: &AsyncPgConnection,
    viewer: Option<UserId>,
    ids: &[ItemId],
) -> AppResult<HashMap<ItemId, Arc<ItemCard>>> {
    let cards = store::list_visible(conn, ids, viewer).await?;
    Ok(cards.into_iter().map(|card| (card.item.id, Arc::new(card))).collect())
}

/// The items with these ids that can be found, for search.
///
/// # Errors
/// When the database fails.
pub async fn list_findable(conn: &AsyncPgConnection, ids: &[ItemId]) -> AppResult<Vec<Item>> {
    Ok(store::list_findable(conn, ids).await?)
}

/// An item as the viewer sees it after their change.
async fn load_card(scope: &Scope, conn: &AsyncPgConnection, id: ItemId) -> AppResult<ItemCard> {
    let viewer = scope.viewer()?.user_id;
    let cards = store::list_cards(conn, &[id], Some(viewer)).await?;
    cards.into_iter().next().ok_or_else(|| AppError::internal("an item is gone that was changed"))
}

/// Locks the items that a leaving user owns or likes, within the caller's transaction: in the order in which liking
/// several locks them.
///
/// # Errors
/// When the database fails.
pub async fn lock_all_of(conn: &AsyncPgConnection, person: UserId) -> AppResult<()> {
    store::lock_items_of(conn, person).await?;
    Ok(())
}

/// Deletes a leaving user's items that were not traded, within the caller's transaction, which has locked them.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(app: &App, conn: &AsyncPgConnection, owner: UserId) -> AppResult<()> {
    let withdrawn = store::withdraw_items(conn, owner, app.clock.now()).await?;
    let ids: Vec<i64> = withdrawn.iter().map(|id| id.0).collect();
    search::service::forget(conn, SearchKind::Item, &ids).await
}
