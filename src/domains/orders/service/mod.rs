//! Use cases of orders: looking at them here; [`place`] and [`fulfil`] apart.

pub mod fulfil;
pub mod place;

use std::collections::HashMap;
use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::model::{Order, OrderEvent, OrderFilter};
use super::store;
use crate::db::keyset::{KeyValue, Keyset, KeysetPosition};
use crate::domains::accounts::model::Role;
use crate::domains::accounts::policy::access::RANK_OF_ADMINS;
use crate::domains::accounts::service::{require_role, role_of};
use crate::error::AppResult;
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::ids::{OrderId, UserId};
use crate::page::{Page, PageArgs, PageRequest};
use crate::scope::Scope;

/// Orders by id, of those that the viewer may see; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_visible(scope: &Scope, ids: &[OrderId]) -> AppResult<HashMap<OrderId, Arc<Order>>> {
    let Some(viewer) = scope.requester().viewer.filter(|_| !ids.is_empty()) else { return Ok(HashMap::new()) };
    load_seen_by(&*scope.db.read().await?, viewer.user_id, ids).await
}

/// Orders by id, of those that the viewer may see: their own, and all for administrators.
///
/// # Errors
/// When the database fails.
pub async fn load_seen_by(
    conn: &AsyncPgConnection,
    viewer: UserId,
    ids: &[OrderId],
) -> AppResult<HashMap<OrderId, Arc<Order>>> {
    let mut orders = store::list_by_ids(conn, ids).await?;
    if orders.iter().any(|order| order.buyer_id != viewer) && role_of(conn, viewer).await? != Role::Admin {
        orders.retain(|order| order.buyer_id == viewer);
    }
    Ok(orders.into_iter().map(|order| (order.id, Arc::new(order))).collect())
}

/// Orders by id; who sees them is asked by those who show them.
///
/// # Errors
/// When the database fails.
pub async fn load_orders(conn: &AsyncPgConnection, ids: &[OrderId]) -> AppResult<HashMap<OrderId, Arc<Order>>> {
    let orders = store::list_by_ids(conn, ids).await?;
    Ok(orders.into_iter().map(|order| (order.id, Arc::new(order))).collect())
}

/// The histories of orders; whether the actor may see them is asked before.
///
/// # Errors
/// When the database fails.
pub async fn load_histories(scope: &Scope, ids: &[OrderId]) -> AppResult<HashMap<OrderId, Vec<OrderEvent>>> {
    let mut histories: HashMap<OrderId, Vec<OrderEvent>> = HashMap::new();
    for event in store::list_events(&*scope.db.read().await?, ids).await? {
        histories.entry(event.order_id).or_default().push(event);
    }
    Ok(histories)
}

/// The page that a list's arguments ask for.
///
/// # Errors
/// Bad input.
pub fn page(filter: &OrderFilter, args: PageArgs) -> AppResult<PageRequest<KeysetPosition>> {
    args.request(serde_json::to_string(&("orders", filter)).unwrap_or_default())
}

/// Lets administrators through.
///
/// # Errors
/// Unauthenticated without a token, forbidden with a lesser role.
pub async fn require_admin(scope: &Scope) -> AppResult<()> {
    require_role(scope, Role::Admin).await.map(drop)
}

/// A page of orders, the newest first; whether the actor may see them is asked before.
///
/// # Errors
/// Bad input.
pub async fn list_orders(
    scope: &Scope,
    filter: &OrderFilter,
    page: &PageRequest<KeysetPosition>,
) -> AppResult<Page<Order>> {
    let cut = Keyset::new(store::COLUMN, !page.backward, page.cursor.clone(), page.limit())?;
    let orders = store::list_orders(&*scope.db.read().await?, filter, cut).await?;
    Ok(page.page(orders, |order| (KeyValue::Number(order.created_at.timestamp_micros()), order.id.0)))
}

/// How many orders a list has, up to a bound; asked only by who was given a page of it.
///
/// # Errors
/// When the database fails.
pub async fn count(scope: &Scope, filter: &OrderFilter, bound: i64) -> AppResult<i64> {
    Ok(store::count_orders(&*scope.db.read_long().await?, filter, bound).await?)
}

/// Whether a user has an order that is not over, which keeps them from leaving.
///
/// # Errors
/// When the database fails.
pub async fn has_open_orders(conn: &AsyncPgConnection, buyer: UserId) -> AppResult<bool> {
    Ok(store::has_open_orders(conn, buyer).await?)
}

/// Erases the addresses of a leaving user's orders, within the caller's transaction.
///
/// # Errors
/// When the database fails.
pub async fn forget_addresses(conn: &AsyncPgConnection, buyer: UserId) -> AppResult<()> {
    store::erase_addresses(conn, buyer).await?;
    Ok(())
}

/// Records for an order's buyer and the administrators that it came or changed, within the transaction.
async fn record_change(scope: &Scope, conn: &AsyncPgConnection, order: &Order) -> AppResult<()> {
    let event = |topic| NewEvent {
        subject_id: Some(order.id.0),
        user_id: Some(order.buyer_id),
        ..NewEvent::new(EventKind::OrderChanged, topic)
    };
    let events = [event(Topic::user(order.buyer_id)), event(Topic::role(RANK_OF_ADMINS))];
    scope.record(conn, &events).await
}
