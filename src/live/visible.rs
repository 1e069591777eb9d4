//! What events tell of that not everybody may see: as its person may see it now.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::db::Lease;
use crate::domains::items::model::ItemCard;
use crate::domains::orders::model::Order;
use crate::domains::tasks::model::TaskCard;
use crate::domains::tickets::model::Ticket;
use crate::domains::{items, orders, tasks, tickets};
use crate::error::AppResult;
use crate::events::Audience;
use crate::ids::{ItemId, OrderId, TaskId, TicketId, UserId};
use crate::live::{Event, Payload};

/// What somebody may see of what some events tell of.
#[derive(Default)]
pub struct Seen {
    viewer: Option<UserId>,
    /// Items.
    pub items: HashMap<ItemId, Arc<ItemCard>>,
    /// Tasks.
    pub tasks: HashMap<TaskId, Arc<TaskCard>>,
    /// Orders.
    pub orders: HashMap<OrderId, Arc<Order>>,
    /// Tickets.
    pub tickets: HashMap<TicketId, Arc<Ticket>>,
}

impl Seen {
    /// The task that an event tells of. Who has a part in it is told as that, and not once more as an administrator.
    #[must_use]
    pub fn task_of(&self, event: &Event) -> Option<Arc<TaskCard>> {
        let Payload::Task(id) = &event.payload else { return None };
        let card = self.tasks.get(id)?;
        let is_party = self.viewer.is_some_and(|viewer| card.task.is_party(viewer));
        let is_twice = is_party && matches!(event.audience, Audience::Role(_));
        (!is_twice).then(|| Arc::clone(card))
    }
}

/// Loads it: at most a statement or two for each kind of thing, and none where the events tell of nothing such. What a newer
/// instance wrote and this version can't read is left out.
///
/// # Errors
/// When the database fails.
pub async fn load_seen(lease: &Lease, viewer: UserId, events: &[Arc<Event>]) -> AppResult<Seen> {
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
    let mut seen = Seen { viewer: Some(viewer), ..Seen::default() };
    if of_items.is_empty() && of_tasks.is_empty() && of_orders.is_empty() && of_tickets.is_empty() {
        return Ok(seen);
    }
    let conn = lease.read().await?;
    if !of_items.is_empty() {
        let load = |ids| items::service::load_seen_by(&conn, Some(viewer), ids).boxed();
        seen.items = load_readable(&of_items, load).await?;
    }
    if !of_tasks.is_empty() {
        let load = |ids| tasks::service::load_seen_by(&conn, Some(viewer), ids).boxed();
        seen.tasks = load_readable(&of_tasks, load).await?;
    }
    if !of_orders.is_empty() {
        let load = |ids| orders::service::load_seen_by(&conn, viewer, ids).boxed();
        seen.orders = load_readable(&of_orders, load).await?;
    }
    if !of_tickets.is_empty() {
        let load = |ids| tickets::service::load_seen_by(&conn, viewer, ids).boxed();
        seen.tickets = load_readable(&of_tickets, load).await?;
    }
    Ok(seen)
}

type Loaded<'a, K, V> = BoxFuture<'a, AppResult<HashMap<K, V>>>;

/// Loads things of one kind; where a newer instance wrote one that can't be read here, the others one by one.
async fn load_readable<'a, K, V>(ids: &'a [K], load: impl Fn(&'a [K]) -> Loaded<'a, K, V>) -> AppResult<HashMap<K, V>>
where
    K: Eq + Hash,
{
    match load(ids).await {
        Err(error) if error.is_unreadable() => {}
        loaded => return loaded,
    }
    let mut found = HashMap::new();
    for id in ids {
        match load(std::slice::from_ref(id)).await {
            Ok(one) => found.extend(one),
            Err(error) if error.is_unreadable() => {
                tracing::warn!(cause = %error.describe(), "an event is not shown: it tells of what this version can't read");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
