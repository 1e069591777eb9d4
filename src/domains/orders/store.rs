//! All SQL of orders.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{NewOrder, NewOrderEvent, Order, OrderChanges, OrderEvent, OrderFilter, OrderStatus};
use crate::db::keyset::{ColumnType, Keyset, KeysetColumn};
use crate::db::schema::{order_events, orders};
use crate::db::{columns, statement};
use crate::domains::search::list_query::{ListPredicate, ListRows};
use crate::ids::{OrderId, UserId};

columns!(
    /// The columns of an order.
    static ORDER: Order
);

type OrderColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Order, Pg>>;

/// Orders come by when they were made.
pub const COLUMN: KeysetColumn =
    KeysetColumn { name: "orders.created_at", id: "orders.id", column_type: ColumnType::Instants };

/// What has to hold beside the state.
pub struct OrderConditions<'a>(pub &'a OrderFilter);

impl OrderConditions<'_> {
    /// All that has to hold.
    #[must_use]
    pub fn predicate(&self) -> ListPredicate<'_> {
        let asked = self.0.status.as_deref();
        let states = ListPredicate::asked_states(OrderStatus::ALL, asked, OrderStatus::name, "order_status");
        ListPredicate { table: "orders", states: Some(states), more: self }
    }
}

impl QueryFragment<Pg> for OrderConditions<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let OrderFilter { buyer_id, created_from, created_to, status: _ } = self.0;
        out.push_sql("true");
        if let Some(buyer) = buyer_id {
            out.push_sql(" and orders.buyer_id = ");
            out.push_bind_param::<BigInt, _>(buyer)?;
        }
        for (lead, at) in [(" and orders.created_at >= ", created_from), (" and orders.created_at <= ", created_to)] {
            if let Some(at) = at {
                out.push_sql(lead);
                out.push_bind_param::<Timestamptz, _>(at)?;
            }
        }
        Ok(())
    }
}

statement! {
    by text
    /// A page of orders.
    struct ListedOrders<'a> { rows: ListRows<'a> } -> OrderColumns
    |this|
    "select " {&*ORDER} " from " {&this.rows} {&this.rows.cut}
}

statement! {
    by text
    /// How many orders a list has, up to a bound.
    struct CountOrders<'a> { rows: ListRows<'a> } -> BigInt
    |this|
    "select count(*) from " {&this.rows}
}

/// A page of orders.
pub async fn list_orders(mut conn: &AsyncPgConnection, filter: &OrderFilter, cut: Keyset) -> QueryResult<Vec<Order>> {
    let conditions = OrderConditions(filter);
    ListedOrders { rows: ListRows::new(&conditions.predicate(), cut) }.load(&mut conn).await
}

/// How many orders there are, up to a bound.
pub async fn count_orders(mut conn: &AsyncPgConnection, filter: &OrderFilter, bound: i64) -> QueryResult<i64> {
    let conditions = OrderConditions(filter);
    CountOrders { rows: ListRows::new(&conditions.predicate(), Keyset::count(COLUMN, bound)) }
        .get_result(&mut conn)
        .await
}

/// The orders with these ids.
pub async fn list_by_ids(mut conn: &AsyncPgConnection, ids: &[OrderId]) -> QueryResult<Vec<Order>> {
    orders::table.filter(orders::id.eq_any(ids)).select(Order::as_select()).load(&mut conn).await
}

/// The histories of these orders, each from its beginning.
pub async fn list_events(mut conn: &AsyncPgConnection, ids: &[OrderId]) -> QueryResult<Vec<OrderEvent>> {
    let events = order_events::table.filter(order_events::order_id.eq_any(ids)).order(order_events::id);
    events.select(OrderEvent::as_select()).load(&mut conn).await
}

/// Adds an order.
pub async fn insert_order(mut conn: &AsyncPgConnection, order: &NewOrder<'_>) -> QueryResult<Order> {
    diesel::insert_into(orders::table).values(order).returning(Order::as_returning()).get_result(&mut conn).await
}

/// The last line of an order's history that changed its state.
pub async fn find_last_step(mut conn: &AsyncPgConnection, id: OrderId) -> QueryResult<Option<OrderEvent>> {
    let steps = order_events::table.filter(order_events::order_id.eq(id)).filter(order_events::to_address.is_null());
    steps.order(order_events::id.desc()).select(OrderEvent::as_select()).first(&mut conn).await.optional()
}

/// How often an order's address was changed.
pub async fn count_address_changes(mut conn: &AsyncPgConnection, id: OrderId) -> QueryResult<i64> {
    let changes = order_events::table.filter(order_events::order_id.eq(id));
    changes.filter(order_events::to_address.is_not_null()).count().get_result(&mut conn).await
}

/// Adds a line to an order's history.
pub async fn insert_event(mut conn: &AsyncPgConnection, event: &NewOrderEvent<'_>) -> QueryResult<usize> {
    diesel::insert_into(order_events::table).values(event).execute(&mut conn).await
}

/// Locks an order against concurrent changes.
pub async fn lock_order(mut conn: &AsyncPgConnection, id: OrderId) -> QueryResult<Option<Order>> {
    orders::table.find(id).select(Order::as_select()).for_no_key_update().get_result(&mut conn).await.optional()
}

/// Changes an order that is held.
pub async fn update_order(mut conn: &AsyncPgConnection, id: OrderId, changes: &OrderChanges) -> QueryResult<Order> {
    diesel::update(orders::table.find(id)).set(changes).returning(Order::as_returning()).get_result(&mut conn).await
}

/// Whether a user has an order that is not over.
pub async fn has_open_orders(mut conn: &AsyncPgConnection, buyer: UserId) -> QueryResult<bool> {
    let open = orders::table.filter(orders::buyer_id.eq(buyer));
    let open = open.filter(orders::status.eq_any([OrderStatus::Pending, OrderStatus::Shipped]));
    diesel::select(diesel::dsl::exists(open)).get_result(&mut conn).await
}

/// Erases the addresses of a user's orders, in their histories as well.
pub async fn erase_addresses(mut conn: &AsyncPgConnection, buyer: UserId) -> QueryResult<usize> {
    let own = orders::table.filter(orders::buyer_id.eq(buyer));
    diesel::update(own).set(orders::address.eq("")).execute(&mut conn).await?;
    let ids = orders::table.filter(orders::buyer_id.eq(buyer)).select(orders::id);
    let lines = order_events::table.filter(order_events::order_id.eq_any(ids));
    diesel::update(lines.filter(order_events::to_address.is_not_null()))
        .set((order_events::from_address.eq(""), order_events::to_address.eq("")))
        .execute(&mut conn)
        .await
}
