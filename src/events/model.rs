//! What an event is as a row: on its way in the outbox, and with its place in the stream.

use chrono::{DateTime, Utc};
use diesel::{Insertable, Queryable, Selectable};

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::ids::{ConversationId, UserId};

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

impl EventKind {
    /// Whether clients are told of it; the others are for instances only.
    #[must_use]
    pub fn is_public(self) -> bool {
        match self {
            Self::MessageCreated
            | Self::MessageUpdated
            | Self::ConversationRead
            | Self::ItemTraded
            | Self::TaskChanged
            | Self::OrderChanged
            | Self::TicketChanged => true,
            Self::MembershipChanged | Self::SessionRevoked | Self::Unknown => false,
        }
    }

    /// Whether it may be addressed to a role as well.
    #[must_use]
    pub fn speaks_to_roles(self) -> bool {
        match self {
            Self::TaskChanged | Self::OrderChanged | Self::TicketChanged => true,
            Self::MessageCreated
            | Self::MessageUpdated
            | Self::ConversationRead
            | Self::ItemTraded
            | Self::MembershipChanged
            | Self::SessionRevoked
            | Self::Unknown => false,
        }
    }
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
