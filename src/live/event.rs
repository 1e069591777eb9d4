//! An event with what it refers to: the shared object that subscribers resolve.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use crate::domains::accounts::model::{SessionEnd, User};
use crate::domains::chat::model::{ConversationCard, MessageCard, Window};
use crate::events::{Audience, EventKind, Position, StreamCursor};
use crate::ids::{ConversationId, ItemId, OrderId, SessionId, TaskId, TicketId, UserId};

/// An event with what it refers to, loaded once per instance and shared by all its subscribers.
#[derive(Debug)]
pub struct Event {
    /// Place in the stream.
    pub position: Position,
    /// When it got its place.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: EventKind,
    /// Whom it is for.
    pub audience: Audience,
    /// The conversation's version once it had happened.
    pub version: Option<i64>,
    /// The seq it is about.
    pub seq: Option<i32>,
    /// What it is about.
    pub payload: Payload,
    /// Roughly the bytes it takes in memory.
    pub weight: usize,
}

/// A message's card that all events of the message share in memory, so that none shows what was edited away.
#[derive(Clone, Debug)]
pub struct SharedCard(Arc<RwLock<Arc<MessageCard>>>);

impl SharedCard {
    /// A card that nothing shares yet.
    #[must_use]
    pub fn new(card: Arc<MessageCard>) -> Self {
        Self(Arc::new(RwLock::new(card)))
    }

    /// The message, as it is now.
    #[must_use]
    pub fn get(&self) -> Arc<MessageCard> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the card by a newer one.
    pub fn set(&self, card: Arc<MessageCard>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = card;
    }
}

/// What an event is about.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A message, as it is when it is looked at.
    Message(SharedCard),
    /// A read marker.
    Marker {
        /// Where.
        conversation: Arc<ConversationCard>,
        /// Whose.
        user: Arc<User>,
        /// Read up to here.
        seq: i32,
    },
    /// Somebody's window in a conversation, as it is now.
    Membership {
        /// Where.
        conversation_id: ConversationId,
        /// Whose.
        user_id: UserId,
        /// None when there is no such member at all.
        window: Option<Window>,
    },
    /// A session that ended, and why.
    Session(SessionId, SessionEnd),
    /// An item; what of it somebody may see is asked when it is delivered.
    Item(ItemId),
    /// A task; as an item.
    Task(TaskId),
    /// An order, and whose it is; as an item.
    Order(OrderId, UserId),
    /// A ticket, and whose it is; as an item.
    Ticket(TicketId, UserId),
    /// What it was about exists no more, or only newer instances know what it tells.
    Gone,
}

impl Event {
    /// The cursor behind it.
    #[must_use]
    pub fn cursor(&self) -> StreamCursor {
        StreamCursor { position: self.position, at: self.at }
    }

    /// The seq of the message it is about, if it is about one.
    #[must_use]
    pub fn seq_of_message(&self) -> Option<i32> {
        self.seq.filter(|_| matches!(self.kind, EventKind::MessageCreated | EventKind::MessageUpdated))
    }

    /// Whose thing it is about. They are told of it as themselves, whatever their role.
    #[must_use]
    pub fn person(&self) -> Option<UserId> {
        match self.payload {
            Payload::Order(_, person) | Payload::Ticket(_, person) => Some(person),
            _ => None,
        }
    }
}

impl Payload {
    /// Roughly the bytes that an event with it takes in memory.
    #[must_use]
    pub fn weight(&self) -> usize {
        let text = match self {
            Self::Message(card) => card.get().message.weight(),
            _ => 0,
        };
        size_of::<Event>() + text + 512
    }
}
