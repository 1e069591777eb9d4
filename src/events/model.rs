//! What an event is: as a row on its way, and as the shared object that subscribers resolve.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use diesel::{Insertable, Queryable, Selectable};

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::domains::accounts::model::{SessionEnd, User};
use crate::domains::chat::model::{ConversationCard, MessageCard};
use crate::ids::{ConversationId, ItemId, OrderId, SessionId, TaskId, TicketId, UserId};

/// A place in the stream; the first event's is 1.
pub type Position = i64;

pg_enum! {
    /// What happened.
    pub enum EventKind: sql_types::EventKind {
        /// Somebody's window in a conversation opened or closed; instances only.
        MembershipChanged = "MEMBERSHIP_CHANGED",
        /// A message was sent.
        MessageCreated = "MESSAGE_CREATED",
        /// A message was edited.
        MessageUpdated = "MESSAGE_UPDATED",
        /// Somebody's read marker moved.
        ConversationRead = "CONVERSATION_READ",
        /// A session ended; instances only.
        SessionRevoked = "SESSION_REVOKED",
        /// An item was traded, or opened again after that.
        ItemTraded = "ITEM_TRADED",
        /// A task was published or changed.
        TaskChanged = "TASK_CHANGED",
        /// An order was made or changed.
        OrderChanged = "ORDER_CHANGED",
        /// A ticket was made or changed.
        TicketChanged = "TICKET_CHANGED",
    }
    unknown:
        /// Of a newer instance's kinds: for nobody here.
        new Unknown
}

pg_enum! {
    /// The kind of audience.
    pub enum AudienceKind: sql_types::EventAudience {
        /// The members of a conversation.
        Conversation = "CONVERSATION",
        /// One person.
        User = "USER",
        /// Everybody with a role.
        Role = "ROLE",
    }
    unknown:
        /// Of a newer instance's audiences: nobody here.
        new Unknown
}

/// Whom an event is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The members whose window it lies in.
    Conversation(ConversationId),
    /// One person.
    User(UserId),
    /// Everybody with the role of this rank.
    Role(i64),
    /// Nobody here: an audience that only newer instances know. It can't be written.
    Unknown,
}

/// An outbox row to be.
#[derive(Clone, Copy, Debug, Insertable)]
#[diesel(table_name = schema::outbox)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventKind,
    /// Whom it is for.
    pub audience: AudienceKind,
    /// Their id.
    pub audience_id: i64,
    /// The conversation it happened in.
    pub conversation_id: Option<ConversationId>,
    /// That conversation's version once it had happened.
    pub version: Option<i64>,
    /// The row it is about.
    pub subject_id: Option<i64>,
    /// The seq it is about.
    pub seq: Option<i32>,
    /// The person it is about.
    pub user_id: Option<UserId>,
}

impl NewEvent {
    /// Something that happened, for an audience; what it is about is to be added.
    #[must_use]
    pub fn new(kind: EventKind, audience: Audience) -> Self {
        let (audience, audience_id) = match audience {
            Audience::Conversation(id) => (AudienceKind::Conversation, id.0),
            Audience::User(id) => (AudienceKind::User, id.0),
            Audience::Role(rank) => (AudienceKind::Role, rank),
            Audience::Unknown => (AudienceKind::Unknown, 0),
        };
        Self {
            kind,
            audience,
            audience_id,
            conversation_id: None,
            version: None,
            subject_id: None,
            seq: None,
            user_id: None,
        }
    }
}

/// A row of `events`.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::events)]
pub struct StoredEvent {
    /// Place in the stream.
    pub position: Position,
    /// When it got its place.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: EventKind,
    /// Whom it is for.
    pub audience: AudienceKind,
    /// Their id.
    pub audience_id: i64,
    /// The conversation it happened in.
    pub conversation_id: Option<ConversationId>,
    /// That conversation's version once it had happened.
    pub version: Option<i64>,
    /// The row it is about.
    pub subject_id: Option<i64>,
    /// The seq it is about.
    pub seq: Option<i32>,
    /// The person it is about.
    pub user_id: Option<UserId>,
}

impl StoredEvent {
    /// Whom it is for.
    #[must_use]
    pub fn audience(&self) -> Audience {
        match self.audience {
            AudienceKind::Conversation => Audience::Conversation(ConversationId(self.audience_id)),
            AudienceKind::User => Audience::User(UserId(self.audience_id)),
            AudienceKind::Role => Audience::Role(self.audience_id),
            AudienceKind::Unknown => Audience::Unknown,
        }
    }
}

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

/// What of a conversation a member may see: messages by seq, everything else by the conversation's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First message.
    pub from_seq: i32,
    /// Last message, for somebody who left.
    pub until_seq: Option<i32>,
    /// First version.
    pub from_version: i64,
    /// Last version, for somebody who left.
    pub until_version: Option<i64>,
}

impl Window {
    /// Whether the event of a conversation lies in the window.
    #[must_use]
    pub fn shows(&self, version: Option<i64>, seq: Option<i32>) -> bool {
        let version_fits = version.is_some_and(|version| {
            version >= self.from_version && self.until_version.is_none_or(|until| version <= until)
        });
        version_fits && seq.is_none_or(|seq| self.shows_message(seq))
    }

    /// Whether the message lies in the window.
    #[must_use]
    pub fn shows_message(&self, seq: i32) -> bool {
        seq >= self.from_seq && self.until_seq.is_none_or(|until| seq <= until)
    }
}

impl Event {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_shows_what_lies_in_it() {
        let open = Window { from_seq: 3, until_seq: None, from_version: 10, until_version: None };
        assert!(open.shows(Some(10), Some(3)));
        assert!(!open.shows(Some(10), Some(2)), "an edit of a message from before");
        assert!(!open.shows(Some(9), None), "a marker from before");
        assert!(!open.shows(None, None));
        let closed = Window { until_seq: Some(5), until_version: Some(20), ..open };
        assert!(closed.shows(Some(20), Some(5)));
        assert!(!closed.shows(Some(21), Some(5)), "an edit from after");
        assert!(!closed.shows_message(6));
    }
}
