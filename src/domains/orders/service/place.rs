//! Exchanging: stock, balance, order and ledger in one transaction.

use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use crate::domains::accounts::service::{load_details, lock_viewer_shared};
use crate::domains::orders::model::{NewOrder, NewOrderEvent, Order, OrderError, OrderStatus};
use crate::domains::orders::policy::LONGEST_ADDRESS;
use crate::domains::orders::service::record_change;
use crate::domains::orders::store;
use crate::domains::products::model::Product;
use crate::domains::wallet::model::{Cause, NewTransfer, Wallet};
use crate::domains::{products, wallet};
use crate::error::{AppError, AppResult};
use crate::idempotency::{self, Key};
use crate::ids::{OrderId, ProductId, UserId};
use crate::money::Money;
use crate::scope::Scope;
use crate::text::{check_lines, is_blank};
use crate::validation::DomainError;

/// What an exchange made and changed.
pub struct PlacedOrder {
    /// The order.
    pub order: Arc<Order>,
    /// The product, unless it was taken out since.
    pub product: Option<Arc<Product>>,
    /// The buyer's wallet.
    pub wallet: Option<Wallet>,
}

/// An order that the viewer made, with its product and their wallet as they are now.
async fn after(scope: &Scope, viewer: UserId, id: OrderId) -> AppResult<PlacedOrder> {
    let conn = scope.db.read().await?;
    let order = super::load_seen_by(&conn, viewer, &[id]).await?.remove(&id);
    let order = order.ok_or_else(|| AppError::internal("an order is gone"))?;
    let product = products::service::load_present(scope, &[order.product_id]).await?.remove(&order.product_id);
    let wallet = wallet::service::load_wallets(&conn, &[viewer]).await?.remove(&viewer);
    Ok(PlacedOrder { order, product, wallet })
}

/// Exchanges the viewer's balance for a piece of a product, at the price that was seen where one is given. It goes to the
/// address that is given, or to their profile's.
///
/// # Errors
/// `NOT_FOUND`, `CONFLICT` when it costs something else, `OUT_OF_STOCK`, `INSUFFICIENT_BALANCE`, `ADDRESS_REQUIRED`,
/// `TOO_LONG` and `INVALID_INPUT` for the address; those of a key.
pub async fn exchange(
    scope: &Scope,
    id: ProductId,
    address: Option<String>,
    expected: Option<Money>,
    key: Option<String>,
) -> AppResult<PlacedOrder> {
    let viewer = scope.viewer()?.user_id;
    let key = Key::new(viewer, "exchangeProduct", key, &(id, &address, expected))?;
    let reload = |id| after(scope, viewer, OrderId(id));
    if let Some(done) = idempotency::find_replayed(&scope.db, key.as_ref(), reload).await? {
        return Ok(done);
    }
    match &address {
        Some(address) if address.chars().all(is_blank) => return Err(OrderError::AddressRequired.at("address").into()),
        Some(address) => check_lines(address, LONGEST_ADDRESS).map_err(|fault| fault.at("address"))?,
        None => {}
    }
    let now = scope.app.clock.now();
    let order = scope
        .transaction(async |conn| {
            lock_viewer_shared(scope, conn).await?;
            if let Some(done) = idempotency::claim(conn, key.as_ref(), scope.app.clock.now()).await? {
                return Ok(OrderId(done));
            }
            let address = address_of(conn, viewer, address.as_deref()).await?;
            let product = products::service::reserve_stock(conn, id, expected).await?;
            let order = NewOrder {
                buyer_id: viewer,
                product_id: product.id,
                product_name: &product.name,
                price: product.price,
                image_id: product.image_id,
                address: &address,
                created_at: now,
                updated_at: now,
            };
            let order = store::insert_order(conn, &order).await?;
            let event = NewOrderEvent {
                order_id: order.id,
                actor_id: viewer,
                from_status: None,
                to_status: OrderStatus::Pending,
                note: None,
                at: now,
                from_address: None,
                to_address: None,
            };
            store::insert_event(conn, &event).await?;
            let (cause, at) = (Cause::Exchange(order.id), scope.app.clock.now());
            let transfer = NewTransfer { cause, actor: Some(viewer), note: None, at };
            wallet::service::pay_order(conn, &transfer, viewer, product.price, "id").await?;
            record_change(scope, conn, &order).await?;
            idempotency::complete(conn, key.as_ref(), order.id.0).await?;
            Ok::<_, AppError>(order.id)
        })
        .await?;
    after(scope, viewer, order).await
}

/// Where an order goes.
async fn address_of(conn: &AsyncPgConnection, buyer: UserId, given: Option<&str>) -> AppResult<String> {
    let address = if let Some(address) = given {
        address.to_owned()
    } else {
        let details = load_details(conn, &[buyer]).await?;
        details.get(&buyer).map(|details| details.1.address.clone()).unwrap_or_default()
    };
    let address = address.trim();
    if address.chars().all(is_blank) {
        Err(OrderError::AddressRequired.at("address").into())
    } else {
        Ok(address.to_owned())
    }
}
