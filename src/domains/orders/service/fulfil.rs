//! What becomes of orders: sent, received, called off, given back.

use diesel_async::AsyncPgConnection;

use crate::domains::accounts::model::Role;
use crate::domains::accounts::service::{lock_person_shared, lock_viewer_shared, role_of};
use crate::domains::orders::model::{
    NewOrderEvent, Order, OrderAction, OrderChanges, OrderError, OrderStatus, UpdateOrder,
};
use crate::domains::orders::policy::{self, LONGEST_NOTE, OrderActor};
use crate::domains::orders::service::record_change;
use crate::domains::orders::store;
use crate::domains::wallet::model::{Cause, NewTransfer};
use crate::domains::{products, wallet};
use crate::error::{AppError, AppResult};
use crate::idempotency::{self, Key};
use crate::ids::{OrderId, UserId};
use crate::scope::Scope;
use crate::text::{check_line, is_blank};
use crate::validation::DomainError;

/// Locks an order and returns it with the actor; `NOT_FOUND` for a viewer who may not see it.
async fn lock_seen(scope: &Scope, conn: &AsyncPgConnection, id: OrderId) -> AppResult<(Order, OrderActor)> {
    let viewer = scope.viewer()?.user_id;
    let is_admin = role_of(conn, viewer).await? == Role::Admin;
    let found = store::lock_order(conn, id).await?;
    let seen = found.filter(|order| is_admin || order.buyer_id == viewer);
    let order = seen.ok_or_else(|| OrderError::NoSuchOrder.at("id"))?;
    Ok((order, OrderActor { id: viewer, is_admin }))
}

/// Holds an order's buyer against their leaving, before the order, as their leaving takes the two; false when they left.
/// The viewer is held already.
async fn lock_buyer(conn: &AsyncPgConnection, viewer: UserId, id: OrderId) -> AppResult<bool> {
    match store::list_by_ids(conn, &[id]).await?.first() {
        Some(order) if order.buyer_id == viewer => Ok(true),
        Some(order) => lock_person_shared(conn, order.buyer_id).await,
        None => Err(OrderError::NoSuchOrder.at("id").into()),
    }
}

/// An order as it is now, if the viewer may still see it: the response of a repeated mutation.
async fn reread(scope: &Scope, id: OrderId) -> AppResult<Order> {
    let seen = super::load_visible(scope, &[id]).await?;
    let order = seen.get(&id).ok_or_else(|| OrderError::NoSuchOrder.at("id"))?;
    Ok(Order::clone(order))
}

/// A step of an order to another state.
struct OrderStep<'a> {
    /// The state that it comes to.
    to: OrderStatus,
    /// What else changes of its row.
    changes: OrderChanges,
    /// What its history says of the step.
    note: Option<&'a str>,
}

/// Brings an order that is held to another state: the row, its history, and the events of it.
async fn bring_to(scope: &Scope, conn: &AsyncPgConnection, order: &Order, step: OrderStep<'_>) -> AppResult<Order> {
    let OrderStep { to, changes, note } = step;
    let now = scope.app.clock.now();
    let changes = OrderChanges { status: Some(to), updated_at: Some(now), ..changes };
    let updated = store::update_order(conn, order.id, &changes).await?;
    let event = NewOrderEvent {
        order_id: order.id,
        actor_id: scope.viewer()?.user_id,
        from_status: Some(order.status),
        to_status: to,
        note,
        at: now,
        from_address: None,
        to_address: None,
    };
    store::insert_event(conn, &event).await?;
    record_change(scope, conn, &updated).await?;
    Ok(updated)
}

/// Changes where an order that is held goes: the row, its history, and who is to know. A change of the state that comes
/// with it is no part of this.
async fn move_to(scope: &Scope, conn: &AsyncPgConnection, order: &Order, address: &str) -> AppResult<()> {
    if store::count_address_changes(conn, order.id).await? >= policy::ADDRESS_CHANGE_LIMIT {
        return Err(OrderError::TooManyAddresses(policy::ADDRESS_CHANGE_LIMIT).at("input.address").into());
    }
    let event = NewOrderEvent {
        order_id: order.id,
        actor_id: scope.viewer()?.user_id,
        from_status: Some(order.status),
        to_status: order.status,
        note: None,
        at: scope.app.clock.now(),
        from_address: Some(&order.address),
        to_address: Some(address),
    };
    store::insert_event(conn, &event).await?;
    Ok(())
}

/// Whether the viewer asks once more for what they did with an order that is held.
async fn repeats(conn: &AsyncPgConnection, order: &Order, actor: OrderActor, note: Option<&str>) -> AppResult<bool> {
    let last = store::find_last_step(conn, order.id).await?;
    Ok(last.is_some_and(|last| policy::repeats(order, actor, &last, note)))
}

/// Changes where an order goes, while it is pending; gives it a tracking number, which ships a pending one, and corrects
/// it on the way. It is shipped to the address that it was packed for, or not at all.
///
/// # Errors
/// What is wrong with the input; `NOT_FOUND`, `FORBIDDEN` for a tracking number but from administrators, `SELF_TARGET` for
/// one of their own order; `ILLEGAL_TRANSITION`; `CONFLICT` for another address than expected, or one change too many.
pub async fn update(scope: &Scope, id: OrderId, update: UpdateOrder) -> AppResult<Order> {
    scope.viewer()?;
    let edit = policy::validate_update(update).map_err(AppError::User)?;
    let now = scope.app.clock.now();
    scope
        .transaction(async |conn| {
            lock_viewer_shared(scope, conn).await?;
            let (order, actor) = lock_seen(scope, conn, id).await?;
            let plan = policy::plan_edit(&order, actor, &edit);
            let (changes, to) = plan.map_err(|(error, path)| error.at(path))?;
            if let Some(address) = &changes.address {
                move_to(scope, conn, &order, address).await?;
            }
            if let Some(to) = to {
                return bring_to(scope, conn, &order, OrderStep { to, changes, note: None }).await;
            }
            if changes.address.is_none() && changes.tracking_number.is_none() {
                return Ok(order);
            }
            let updated = store::update_order(conn, id, &OrderChanges { updated_at: Some(now), ..changes }).await?;
            record_change(scope, conn, &updated).await?;
            Ok(updated)
        })
        .await
}

/// Says that an order was received; said again by its buyer, or by who said it, it changes nothing.
///
/// # Errors
/// `NOT_FOUND`, `ILLEGAL_TRANSITION`.
pub async fn confirm(scope: &Scope, id: OrderId) -> AppResult<Order> {
    scope
        .transaction(async |conn| {
            lock_viewer_shared(scope, conn).await?;
            let (order, actor) = lock_seen(scope, conn, id).await?;
            if order.status == OrderStatus::Completed && repeats(conn, &order, actor, None).await? {
                return Ok(order);
            }
            let to = policy::advance(&order, actor, OrderAction::Confirm).map_err(|error| error.at("id"))?;
            bring_to(scope, conn, &order, OrderStep { to, changes: OrderChanges::default(), note: None }).await
        })
        .await
}

/// Calls a pending order off: the piece goes back into stock, the money to the buyer. Called off once more by the same
/// person for the same reason, nothing changes.
///
/// # Errors
/// `NOT_FOUND`, `ILLEGAL_TRANSITION`, `TOO_LONG` and `INVALID_INPUT` for the reason; those of a key.
pub async fn cancel(scope: &Scope, id: OrderId, reason: Option<String>, key: Option<String>) -> AppResult<Order> {
    let key = Key::new(scope.viewer()?.user_id, "cancelOrder", key, &(id, &reason))?;
    give_back(scope, id, Reversal { action: OrderAction::Cancel, restock: true, reason }, key).await
}

/// Gives the money of an order back that was sent, and its piece into stock when that is wanted. Not to a buyer who left:
/// the money could not be spent, so it stays the store's, in the ledger as well.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN` but to administrators, `ILLEGAL_TRANSITION`, `CONFLICT` when its buyer left, `TOO_LONG` and `INVALID_INPUT` for the reason;
/// those of a key.
pub async fn refund(
    scope: &Scope,
    id: OrderId,
    reason: Option<String>,
    restock: bool,
    key: Option<String>,
) -> AppResult<Order> {
    let key = Key::new(scope.viewer()?.user_id, "refundOrder", key, &(id, &reason, restock))?;
    give_back(scope, id, Reversal { action: OrderAction::Refund, restock, reason }, key).await
}

/// How an order's money is given back.
struct Reversal {
    /// Cancelling or refunding.
    action: OrderAction,
    /// Whether its piece goes back into stock.
    restock: bool,
    /// What its history says of it, as the viewer gave it.
    reason: Option<String>,
}

async fn give_back(scope: &Scope, id: OrderId, reversal: Reversal, key: Option<Key>) -> AppResult<Order> {
    let Reversal { action, restock, reason } = reversal;
    scope.viewer()?;
    let reload = |id| reread(scope, OrderId(id));
    if let Some(done) = idempotency::find_replayed(&scope.db, key.as_ref(), reload).await? {
        return Ok(done);
    }
    let reason = reason.filter(|reason| !reason.chars().all(is_blank));
    if let Some(reason) = &reason {
        check_line(reason, LONGEST_NOTE).map_err(|fault| fault.at("reason"))?;
    }
    let reason = reason.as_deref().map(str::trim);
    let (order, repeated) = scope
        .transaction(async |conn| {
            let viewer = lock_viewer_shared(scope, conn).await?;
            if let Some(done) = idempotency::claim(conn, key.as_ref(), scope.app.clock.now()).await? {
                return Ok((None, OrderId(done)));
            }
            let is_present = lock_buyer(conn, viewer, id).await?;
            let (order, actor) = lock_seen(scope, conn, id).await?;
            let done = order.status == policy::outcome(action) && order.restocked == restock;
            if done && repeats(conn, &order, actor, reason).await? {
                idempotency::complete(conn, key.as_ref(), id.0).await?;
                return Ok((Some(order), id));
            }
            let to = policy::advance(&order, actor, action).map_err(|error| error.at("id"))?;
            if !is_present {
                return Err(OrderError::BuyerLeft.at("id").into());
            }
            let changes = OrderChanges { restocked: Some(restock), ..OrderChanges::default() };
            let updated = bring_to(scope, conn, &order, OrderStep { to, changes, note: reason }).await?;
            if restock {
                products::service::restock(conn, order.product_id).await?;
            }
            let (actor, at) = (Some(viewer), scope.app.clock.now());
            let transfer = NewTransfer { cause: Cause::Refund(id), actor, note: None, at };
            wallet::service::pay_order(conn, &transfer, order.buyer_id, order.price, "id").await?;
            idempotency::complete(conn, key.as_ref(), id.0).await?;
            Ok::<_, AppError>((Some(updated), id))
        })
        .await?;
    match order {
        Some(order) => Ok(order),
        None => reread(scope, repeated).await,
    }
}
