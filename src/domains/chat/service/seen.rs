//! What events tell of that not everybody may see: as its person may see it now.

use std::collections::HashMap;
use std::sync::Arc;

use crate::app::App;
use crate::domains::items::model::ItemCard;
use crate::domains::orders::model::Order;
use crate::domains::tasks::model::TaskCard;
use crate::domains::tickets::model::Ticket;
use crate::domains::{items, orders, tasks, tickets};
use crate::error::AppResult;
use crate::events::{Event, Payload};
use crate::ids::{ItemId, OrderId, TaskId, TicketId, UserId};

/// What somebody may see of what some events tell of.
#[derive(Default)]
pub struct Seen {
    /// Items.
    pub items: HashMap<ItemId, Arc<ItemCard>>,
    /// Tasks.
    pub tasks: HashMap<TaskId, Arc<TaskCard>>,
    /// Orders.
    pub orders: HashMap<OrderId, Arc<Order>>,
    /// Tickets.
    pub tickets: HashMap<TicketId, Arc<Ticket>>,
}

/// Loads it: at most a statement or two for each kind of thing, and none where the events tell of nothing such.
///
/// # Errors
/// When the database fails.
pub async fn load_seen(app: &App, viewer: UserId, events: &[Arc<Event>]) -> AppResult<Seen> {
    let (mut of_items, mut of_tasks, mut of_orders, mut of_tickets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for event in events {
        match event.payload {
            Payload::Item(id) => of_items.push(id),
            Payload::Task(id) => of_tasks.push(id),
            Payload::Order(id, _) => of_orders.push(id),
            Payload::Ticket(id, _) => of_tickets.push(id),
            _ => {}
        }
    }
    let mut seen = Seen::default();
    if of_items.is_empty() && of_tasks.is_empty() && of_orders.is_empty() && of_tickets.is_empty() {
        return Ok(seen);
    }
    let conn = app.database.get().await?;
    if !of_items.is_empty() {
        seen.items = items::service::load_seen_by(&conn, Some(viewer), &of_items).await?;
    }
    if !of_tasks.is_empty() {
        seen.tasks = tasks::service::load_seen_by(&conn, Some(viewer), &of_tasks).await?;
    }
    if !of_orders.is_empty() {
        seen.orders = orders::service::load_seen_by(&conn, viewer, &of_orders).await?;
    }
    if !of_tickets.is_empty() {
        seen.tickets = tickets::service::load_seen_by(&conn, viewer, &of_tickets).await?;
    }
    Ok(seen)
}
