//! What each kind of event refers to, by the columns of its row.

use crate::domains::groups::model::MembershipChange;
use crate::events::EventKind;
use crate::events::data::{EventData, MemberChange, MemberChanges};
use crate::events::model::StoredEvent;
use crate::ids::{
    ConversationId, FriendRequestId, GroupId, GroupJoinRequestId, ItemId, MerchantId, MessageId, OrderId, SessionId,
    TaskId, TicketId, UserId,
};

/// What an event refers to.
#[derive(Debug)]
pub(super) enum Reference<'a> {
    Message(MessageId),
    Marker { conversation: ConversationId, user: UserId, seq: i32 },
    Conversation(ConversationId),
    Member { conversation: ConversationId, user: UserId },
    Members { conversation: ConversationId, actor: Option<UserId>, changes: &'a MemberChanges },
    Session(SessionId),
    Topics(UserId),
    Person(UserId),
    FriendRequest(FriendRequestId),
    Friend { owner: UserId, friend: UserId },
    Group(GroupId),
    GroupMember { group: GroupId, user: UserId, change: MembershipChange },
    GroupDissolved(GroupId),
    JoinRequest(GroupJoinRequestId),
    Merchant(MerchantId),
    Item(ItemId),
    Task(TaskId),
    Order(OrderId),
    Ticket(TicketId),
}

/// What events have in common that are to show the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Message(MessageId),
    Task(TaskId),
    Order(OrderId),
    Ticket(TicketId),
    FriendRequest(FriendRequestId),
    Group(GroupId),
    JoinRequest(GroupJoinRequestId),
    Merchant(MerchantId),
}

impl<'a> Reference<'a> {
    /// What an event refers to; None where this version can't tell.
    pub(super) fn of(row: &'a StoredEvent) -> Option<Self> {
        Some(match row.kind {
            EventKind::MessageCreated
            | EventKind::MessageUpdated
            | EventKind::MessageRevoked
            | EventKind::MessageDeleted
            | EventKind::ReactionsChanged => Self::Message(MessageId(row.subject_id?)),
            EventKind::ConversationRead | EventKind::ConversationDelivered => {
                Self::Marker { conversation: row.conversation_id?, user: row.user_id?, seq: row.seq? }
            }
            EventKind::ConversationChanged => Self::Conversation(row.conversation_id?),
            EventKind::MembershipChanged => Self::Member { conversation: row.conversation_id?, user: row.user_id? },
            EventKind::MembersChanged => match row.data.as_ref()? {
                EventData::Members(changes) => {
                    Self::Members { conversation: row.conversation_id?, actor: row.actor_id, changes }
                }
                EventData::Member(_) | EventData::Unknown => return None,
            },
            EventKind::SessionRevoked => Self::Session(SessionId(row.subject_id?)),
            EventKind::TopicsChanged => Self::Topics(row.user_id?),
            EventKind::PersonChanged => Self::Person(row.user_id?),
            EventKind::FriendRequestCreated | EventKind::FriendRequestAnswered => {
                Self::FriendRequest(FriendRequestId(row.subject_id?))
            }
            EventKind::FriendRemoved | EventKind::FriendshipChanged => {
                Self::Friend { owner: UserId(row.topic_id), friend: UserId(row.target_id?) }
            }
            EventKind::GroupUpdated => Self::Group(GroupId(row.subject_id?)),
            EventKind::GroupMemberChanged => match row.data.as_ref()? {
                EventData::Member(MemberChange { change }) => {
                    Self::GroupMember { group: GroupId(row.subject_id?), user: row.user_id?, change: *change }
                }
                EventData::Members(_) | EventData::Unknown => return None,
            },
            EventKind::GroupDissolved => Self::GroupDissolved(GroupId(row.subject_id?)),
            EventKind::GroupJoinRequestCreated | EventKind::GroupJoinRequestAnswered => {
                Self::JoinRequest(GroupJoinRequestId(row.subject_id?))
            }
            EventKind::MerchantChanged => Self::Merchant(MerchantId(row.subject_id?)),
            EventKind::ItemTraded => Self::Item(ItemId(row.subject_id?)),
            EventKind::TaskChanged => Self::Task(TaskId(row.subject_id?)),
            EventKind::OrderChanged => Self::Order(OrderId(row.subject_id?)),
            EventKind::TicketChanged => Self::Ticket(TicketId(row.subject_id?)),
            EventKind::Unknown => return None,
        })
    }

    /// What it shares with other events.
    pub(super) fn subject(&self) -> Option<Subject> {
        match self {
            Self::Message(id) => Some(Subject::Message(*id)),
            Self::Task(id) => Some(Subject::Task(*id)),
            Self::Order(id) => Some(Subject::Order(*id)),
            Self::Ticket(id) => Some(Subject::Ticket(*id)),
            Self::FriendRequest(id) => Some(Subject::FriendRequest(*id)),
            Self::Group(id) => Some(Subject::Group(*id)),
            Self::JoinRequest(id) => Some(Subject::JoinRequest(*id)),
            Self::Merchant(id) => Some(Subject::Merchant(*id)),
            Self::Marker { .. }
            | Self::Conversation(_)
            | Self::Member { .. }
            | Self::Members { .. }
            | Self::Session(_)
            | Self::Topics(_)
            | Self::Person(_)
            | Self::Friend { .. }
            | Self::GroupMember { .. }
            | Self::GroupDissolved(_)
            | Self::Item(_) => None,
        }
    }
}
