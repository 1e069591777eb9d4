//! What an event is as a row: on its way in the outbox, and with its place in the stream.

use chrono::{DateTime, Utc};
use diesel::sql_types::Text;
use diesel::{Insertable, Queryable, Selectable};

use super::data::EventData;
use super::topic::{Topic, TopicKind};
use crate::db::pg_enum;
use crate::db::schema;
use crate::ids::{ConversationId, UserId};

/// A place in the stream; the first event's is 1.
pub type Position = i64;

pg_enum! {
    /// What happened.
    pub enum EventKind: Text {
        /// A member's window in a direct conversation opened; instances only.
        MembershipChanged = "MEMBERSHIP_CHANGED",
        /// Members of a group's conversation came or went.
        MembersChanged = "MEMBERS_CHANGED",
        /// A message was sent.
        MessageCreated = "MESSAGE_CREATED",
        /// A message was edited.
        MessageUpdated = "MESSAGE_UPDATED",
        /// A message was revoked.
        MessageRevoked = "MESSAGE_REVOKED",
        /// A message was deleted, for everyone or for one member.
        MessageDeleted = "MESSAGE_DELETED",
        /// The reactions to a message changed.
        ReactionsChanged = "REACTIONS_CHANGED",
        /// A read marker moved.
        ConversationRead = "CONVERSATION_READ",
        /// A delivered marker moved.
        ConversationDelivered = "CONVERSATION_DELIVERED",
        /// What a member chose for a conversation changed.
        ConversationChanged = "CONVERSATION_CHANGED",
        /// A session ended; instances only.
        SessionRevoked = "SESSION_REVOKED",
        /// A person's role changed, or what else decides which topics they listen to; instances only.
        TopicsChanged = "TOPICS_CHANGED",
        /// What is shown of a person changed; instances only. The database records it.
        PersonChanged = "PERSON_CHANGED",
        /// A request to become friends was sent.
        FriendRequestCreated = "FRIEND_REQUEST_CREATED",
        /// A request to become friends was answered or withdrawn.
        FriendRequestAnswered = "FRIEND_REQUEST_ANSWERED",
        /// A friendship ended.
        FriendRemoved = "FRIEND_REMOVED",
        /// What a person notes of another one changed, or how a friend is shown.
        FriendshipChanged = "FRIENDSHIP_CHANGED",
        /// What a group is, or how it is run, changed.
        GroupUpdated = "GROUP_UPDATED",
        /// What a member is in a group changed.
        GroupMemberChanged = "GROUP_MEMBER_CHANGED",
        /// A group was dissolved.
        GroupDissolved = "GROUP_DISSOLVED",
        /// A user asked to join a group.
        GroupJoinRequestCreated = "GROUP_JOIN_REQUEST_CREATED",
        /// A request to join a group was answered or withdrawn.
        GroupJoinRequestAnswered = "GROUP_JOIN_REQUEST_ANSWERED",
        /// What a merchant is, whose it is or its contact changed.
        MerchantChanged = "MERCHANT_CHANGED",
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
        /// A newer instance's kind: no subscriber of this one gets the event.
        new Unknown
}

/// To which receivers events of a kind are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KindAudience {
    /// Instances only.
    Instances,
    /// Clients, by user or conversation.
    Clients,
    /// Clients that may see the message it is about.
    MessageViewers,
    /// Clients, also by role.
    ClientsAndRoles,
}

impl EventKind {
    /// All that depends on the kind is derived from this: a new one is placed here once.
    fn audience(self) -> KindAudience {
        match self {
            Self::MessageCreated
            | Self::MessageUpdated
            | Self::MessageRevoked
            | Self::MessageDeleted
            | Self::ReactionsChanged => KindAudience::MessageViewers,
            Self::MembersChanged
            | Self::ConversationRead
            | Self::ConversationDelivered
            | Self::ConversationChanged
            | Self::FriendRequestCreated
            | Self::FriendRequestAnswered
            | Self::FriendRemoved
            | Self::FriendshipChanged
            | Self::GroupUpdated
            | Self::GroupMemberChanged
            | Self::GroupDissolved
            | Self::GroupJoinRequestCreated
            | Self::GroupJoinRequestAnswered
            | Self::MerchantChanged
            | Self::ItemTraded => KindAudience::Clients,
            Self::TaskChanged | Self::OrderChanged | Self::TicketChanged => KindAudience::ClientsAndRoles,
            Self::MembershipChanged
            | Self::SessionRevoked
            | Self::TopicsChanged
            | Self::PersonChanged
            | Self::Unknown => KindAudience::Instances,
        }
    }

    /// Whether clients are told of it; the others are for instances only.
    #[must_use]
    pub fn is_public(self) -> bool {
        self.audience() != KindAudience::Instances
    }

    /// Whether it shows a message.
    #[must_use]
    pub fn is_about_message(self) -> bool {
        self.audience() == KindAudience::MessageViewers
    }

    /// Whether it may be addressed to a role as well.
    #[must_use]
    pub fn is_for_roles(self) -> bool {
        self.audience() == KindAudience::ClientsAndRoles
    }
}

/// An outbox row to be.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::outbox)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventKind,
    /// The kind of its topic.
    #[diesel(column_name = audience)]
    pub topic_kind: TopicKind,
    /// The topic's id.
    #[diesel(column_name = audience_id)]
    pub topic_id: i64,
    /// The conversation it happened in.
    pub conversation_id: Option<ConversationId>,
    /// That conversation's version once it had happened.
    pub version: Option<i64>,
    /// The row it is about.
    pub subject_id: Option<i64>,
    /// The seq it is about.
    pub seq: Option<i32>,
    /// The person whose thing it is about: the reader, the member, the session's, the order's or the ticket's owner.
    pub user_id: Option<UserId>,
    /// Who did it, where that is told.
    pub actor_id: Option<UserId>,
    /// The id of the user or object that it was done to, beside the subject.
    pub target_id: Option<i64>,
    /// What the kind says beyond that.
    pub data: Option<EventData>,
}

impl NewEvent {
    /// Something that happened, for a topic; what it is about is to be added.
    #[must_use]
    pub fn new(kind: EventKind, topic: Topic) -> Self {
        Self {
            kind,
            topic_kind: topic.kind,
            topic_id: topic.id,
            conversation_id: None,
            version: None,
            subject_id: None,
            seq: None,
            user_id: None,
            actor_id: None,
            target_id: None,
            data: None,
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
    /// The kind of its topic.
    #[diesel(column_name = audience)]
    pub topic_kind: TopicKind,
    /// The topic's id.
    #[diesel(column_name = audience_id)]
    pub topic_id: i64,
    /// The conversation it happened in.
    pub conversation_id: Option<ConversationId>,
    /// That conversation's version once it had happened.
    pub version: Option<i64>,
    /// The row it is about.
    pub subject_id: Option<i64>,
    /// The seq it is about.
    pub seq: Option<i32>,
    /// The person whose thing it is about.
    pub user_id: Option<UserId>,
    /// Who did it, where that is told.
    pub actor_id: Option<UserId>,
    /// The id of the user or object that it was done to, beside the subject.
    pub target_id: Option<i64>,
    /// What the kind says beyond that.
    pub data: Option<EventData>,
}

impl StoredEvent {
    /// The topic that it is published to.
    #[must_use]
    pub fn topic(&self) -> Topic {
        Topic { kind: self.topic_kind, id: self.topic_id }
    }

    /// The seq of the message it is about, if it is about one: it is for those who may see that message.
    #[must_use]
    pub fn message_seq(&self) -> Option<i32> {
        self.seq.filter(|_| self.kind.is_about_message())
    }
}
