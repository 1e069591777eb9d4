//! Events of chat, as subscribers get them.

use std::sync::Arc;

use async_graphql::{SimpleObject, Union};

use super::{Conversation, Message, ReadMarker};
use crate::domains::accounts::types::User;
use crate::domains::chat::service::seen::Seen;
use crate::domains::items::types::{Item, ItemTraded};
use crate::domains::orders::types::{Order, OrderChanged};
use crate::domains::tasks::types::{Task, TaskChanged};
use crate::domains::tickets::types::{Ticket, TicketChanged};
use crate::events::{Event, EventKind, Payload, StreamCursor};
use crate::graphql::connection::PageInfo;
use crate::graphql::scalars::DateTime;

/// One delivery of the message stream.
#[derive(Clone, SimpleObject)]
pub struct MessageReceived {
    /// Resume point: subscribe with it as `after`, and nothing is missed or doubled.
    cursor: String,
    /// The message, as it is when delivered.
    message: Message,
}

/// A message was sent.
#[derive(Clone, SimpleObject)]
pub struct MessageCreated {
    /// The message, as it is when delivered.
    message: Message,
}

/// A message was edited.
#[derive(Clone, SimpleObject)]
pub struct MessageUpdated {
    /// The message, as it is when delivered.
    message: Message,
}

/// Somebody has read on.
#[derive(Clone, SimpleObject)]
pub struct ConversationRead {
    /// Where.
    conversation: Conversation,
    /// Who, and up to where.
    marker: ReadMarker,
}

/// What happened; later releases add kinds, so have a default branch.
#[derive(Clone, Union)]
pub enum ViewerEventPayload {
    /// A message was sent.
    Created(MessageCreated),
    /// A message was edited.
    Updated(MessageUpdated),
    /// Somebody has read on.
    Read(ConversationRead),
    /// An item was traded, or opened again.
    Traded(ItemTraded),
    /// A task was published or changed.
    Task(TaskChanged),
    /// An order was made or changed.
    Order(OrderChanged),
    /// A ticket was made or changed.
    Ticket(TicketChanged),
}

/// Something durable that concerns the viewer.
#[derive(Clone, SimpleObject)]
pub struct ViewerEvent {
    /// Resume point: subscribe with it as `after`, and nothing is missed or doubled.
    pub cursor: String,
    /// When it happened.
    at: DateTime,
    /// What happened.
    payload: ViewerEventPayload,
}

impl MessageReceived {
    /// The delivery of an event, if it tells of a message.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let Payload::Message(card) = &event.payload else { return None };
        Some(Self { cursor: StreamCursor::after(event).encode(), message: Message::card(card.get()) })
    }
}

impl ViewerEvent {
    /// The delivery of an event, if it is one that clients know; `seen` is what the viewer may see.
    #[must_use]
    pub fn of(event: &Event, seen: &Seen) -> Option<Self> {
        let at = DateTime(event.at);
        let payload = match (&event.payload, event.kind) {
            (Payload::Message(card), EventKind::MessageUpdated) => {
                ViewerEventPayload::Updated(MessageUpdated { message: Message::card(card.get()) })
            }
            (Payload::Message(card), _) => {
                ViewerEventPayload::Created(MessageCreated { message: Message::card(card.get()) })
            }
            (Payload::Marker { conversation, user, seq }, _) => ViewerEventPayload::Read(ConversationRead {
                conversation: Conversation::shared(Arc::clone(conversation)),
                marker: ReadMarker { user: User(Arc::clone(user)), seq: *seq, read_at: at },
            }),
            (Payload::Item(id), _) => {
                ViewerEventPayload::Traded(ItemTraded { item: Item(Arc::clone(seen.items.get(id)?)) })
            }
            (Payload::Task(_), _) => ViewerEventPayload::Task(TaskChanged { task: Task(seen.task_of(event)?) }),
            (Payload::Order(id, _), _) => {
                ViewerEventPayload::Order(OrderChanged { order: Order(Arc::clone(seen.orders.get(id)?)) })
            }
            (Payload::Ticket(id, _), _) => {
                ViewerEventPayload::Ticket(TicketChanged { ticket: Ticket(Arc::clone(seen.tickets.get(id)?)) })
            }
            (Payload::Membership { .. } | Payload::Session(..) | Payload::Gone, _) => return None,
        };
        Some(Self { cursor: StreamCursor::after(event).encode(), at, payload })
    }
}

/// A page of events.
#[derive(SimpleObject)]
pub struct ViewerEventConnection {
    /// The events with their cursors.
    edges: Vec<ViewerEventEdge>,
    /// The events alone.
    nodes: Vec<ViewerEvent>,
    /// Whether more follow; `endCursor` is where to go on, also when nothing of what was read is for the viewer to see any more. When nothing was
    /// read it is null: keep the cursor you had.
    page_info: PageInfo,
}

/// An event of a page.
#[derive(Clone, SimpleObject)]
pub struct ViewerEventEdge {
    /// The event's cursor.
    cursor: String,
    /// The event.
    node: ViewerEvent,
}

impl ViewerEventConnection {
    /// A page of what followed a cursor; `seen` is what the viewer may see.
    #[must_use]
    pub fn new(events: &[Arc<Event>], seen: &Seen, has_next_page: bool) -> Self {
        let nodes: Vec<ViewerEvent> = events.iter().filter_map(|event| ViewerEvent::of(event, seen)).collect();
        let edges = nodes.iter().map(|node| ViewerEventEdge { cursor: node.cursor.clone(), node: node.clone() });
        let page_info = PageInfo {
            has_next_page,
            has_previous_page: true,
            start_cursor: nodes.first().map(|node| node.cursor.clone()),
            // Of what was read, and not only of what is shown: whoever goes on from here comes past what was hidden.
            end_cursor: events.last().map(|event| StreamCursor::after(event).encode()),
        };
        Self { edges: edges.collect(), page_info, nodes }
    }
}
