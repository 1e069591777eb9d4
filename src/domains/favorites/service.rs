//! Use cases of favorites.

use std::collections::{HashMap, HashSet};

use diesel_async::AsyncPgConnection;

use super::model::{Changed, Favorite, FavoriteCard};
use super::store;
use crate::domains::accounts::service::lock_viewer_shared;
use crate::domains::items;
use crate::domains::items::model::{ItemError, ItemStatus};
use crate::error::{AppError, AppResult, UserError};
use crate::ids::{FavoriteId, ItemId, UserId};
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use crate::validation::DomainError;

/// Items that one call takes.
const MOST_ITEMS: usize = 100;

/// Each of them once, in their order.
fn distinct(items: &[ItemId]) -> AppResult<Vec<ItemId>> {
    if items.len() > MOST_ITEMS {
        return Err(ItemError::TooManyItems(MOST_ITEMS).at("itemIds").into());
    }
    let mut seen = HashSet::new();
    Ok(items.iter().copied().filter(|id| seen.insert(*id)).collect())
}

/// Adds items to the viewer's favorites, all or none; those that are there stay as they are.
///
/// # Errors
/// `NOT_FOUND` at each item that there isn't; `OUT_OF_RANGE` for too many.
pub async fn add(scope: &Scope, given: &[ItemId]) -> AppResult<Changed> {
    let viewer = scope.viewer()?.user_id;
    let wanted = distinct(given)?;
    let (favorites, count) = scope
        .transaction(async |conn| {
            lock_viewer_shared(scope, conn).await?;
            let held = store::lock_items(conn, &wanted).await?;
            let found: HashSet<ItemId> =
                held.iter().filter(|(_, status)| *status != ItemStatus::Deleted).map(|(id, _)| *id).collect();
            let missing: Vec<UserError> = given
                .iter()
                .enumerate()
                .filter(|(_, id)| !found.contains(id))
                .map(|(n, _)| ItemError::NoSuchItem.at(&format!("itemIds.{n}")))
                .collect();
            if !missing.is_empty() {
                return Err(AppError::User(missing));
            }
            let added = store::insert_favorites(conn, viewer, &wanted, scope.app.clock.now()).await?;
            store::count_items(conn, &added, 1).await?;
            Ok((store::list_among(conn, viewer, &wanted).await?, added.len()))
        })
        .await?;
    changed(scope, &wanted, favorites, count).await
}

/// Takes items from the viewer's favorites; those that aren't among them don't matter.
///
/// # Errors
/// `OUT_OF_RANGE` for too many.
pub async fn remove(scope: &Scope, given: &[ItemId]) -> AppResult<Changed> {
    let viewer = scope.viewer()?.user_id;
    let wanted = distinct(given)?;
    let gone = scope
        .transaction(async |conn| {
            store::lock_items(conn, &wanted).await?;
            let gone = store::delete_favorites(conn, viewer, &wanted).await?;
            let items: Vec<ItemId> = gone.iter().map(|favorite| favorite.item_id).collect();
            store::count_items(conn, &items, -1).await?;
            Ok::<_, AppError>(gone)
        })
        .await?;
    let count = gone.len();
    changed(scope, &wanted, gone, count).await
}

/// The favorites of a call, in its order, with their items as they are now.
async fn changed(scope: &Scope, order: &[ItemId], favorites: Vec<Favorite>, count: usize) -> AppResult<Changed> {
    let mut favorites: HashMap<ItemId, Favorite> =
        favorites.into_iter().map(|favorite| (favorite.item_id, favorite)).collect();
    let ordered = order.iter().filter_map(|id| favorites.remove(id)).collect();
    Ok(Changed { favorites: with_items(scope, ordered).await?, count })
}

async fn with_items(scope: &Scope, favorites: Vec<Favorite>) -> AppResult<Vec<FavoriteCard>> {
    let ids: Vec<ItemId> = favorites.iter().map(|favorite| favorite.item_id).collect();
    let items = items::service::load_visible(scope, &ids).await?;
    let card = |favorite: Favorite| FavoriteCard { item: items.get(&favorite.item_id).cloned(), favorite };
    Ok(favorites.into_iter().map(card).collect())
}

/// A page of the viewer's favorites, the newest first.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list(scope: &Scope, page: &PageRequest<FavoriteId>) -> AppResult<Page<FavoriteCard>> {
    let viewer = scope.viewer()?.user_id;
    let favorites = store::list_favorites(&*scope.db.read().await?, viewer, page).await?;
    Ok(page.page(with_items(scope, favorites).await?, |card| card.favorite.id))
}

/// How many favorites the viewer has, up to a bound.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count(scope: &Scope, bound: i64) -> AppResult<i64> {
    let viewer = scope.viewer()?.user_id;
    Ok(store::count_favorites(&*scope.db.read_long().await?, viewer, bound).await?)
}

/// Favorites of the viewer's, by id.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn load(scope: &Scope, ids: &[FavoriteId]) -> AppResult<HashMap<FavoriteId, FavoriteCard>> {
    let viewer = scope.viewer()?.user_id;
    let found = store::list_by_ids(&*scope.db.read().await?, viewer, ids).await?;
    let cards = with_items(scope, found).await?;
    Ok(cards.into_iter().map(|card| (card.favorite.id, card)).collect())
}

/// Deletes the favorites of a user who leaves, within the caller's transaction, which holds the items.
///
/// # Errors
/// When the database fails.
pub async fn forget(conn: &AsyncPgConnection, user: UserId) -> AppResult<()> {
    let gone = store::delete_all(conn, user).await?;
    let items: Vec<ItemId> = gone.iter().map(|favorite| favorite.item_id).collect();
    Ok(store::count_items(conn, &items, -1).await?)
}
