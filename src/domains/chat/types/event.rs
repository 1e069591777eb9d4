//! Events of chat, as subscribers get them.

use std::sync::Arc;

use async_graphql::{ID, Object, SimpleObject};

use super::{Conversation, Message, ReadMarker};
use crate::domains::accounts::types::{User, UserRelation};
use crate::domains::chat::model::typing::TypingState;
use crate::domains::chat::model::{MessageCard, MessageStatus};
use crate::graphql::eager::{plain, plain_enums, plain_struct};
use crate::graphql::scalars::DateTime;
use crate::live::event::ChangedMembers;
use crate::live::typing::TypingNotice;
use crate::live::{Event, EventPayload};

/// One delivery of the message stream.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct MessageReceived {
    /// Resume point: subscribe with it as `after`, and nothing is missed or doubled.
    cursor: String,
    /// The message, as it is when delivered.
    pub message: Message,
}

/// A member is typing, or no longer is. Told once, to those who listen at that moment: it is no part of `events`, has no
/// cursor, and is never replayed. Show it for at most 6 seconds, unless it is told again, and no longer than until the member's
/// next message: the end may not be told, as when their connection breaks.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct TypingEvent {
    /// Where. `id`, `kind`, `title`, `peer` and `participants` cost no statement.
    conversation: Conversation,
    /// Who: never the viewer.
    user: User,
    /// Whether they are typing now.
    state: TypingState,
    /// When they said so.
    at: DateTime,
}

impl TypingEvent {
    /// As a subscriber is told.
    #[must_use]
    pub fn of(notice: &TypingNotice) -> Self {
        Self {
            conversation: Conversation::shared(Arc::clone(&notice.conversation)),
            user: User(Arc::clone(&notice.user)),
            state: notice.state,
            at: notice.at.into(),
        }
    }
}

/// A message was sent.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct MessageCreated {
    /// The message, as it is when delivered.
    pub message: Message,
}

/// A message was edited.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct MessageUpdated {
    /// The message, as it is when delivered.
    pub message: Message,
}

/// A message was revoked, by its sender or by a member who runs the group.
#[derive(Clone)]
pub struct MessageRevoked(pub Arc<MessageCard>);

/// A message was revoked, by its sender or by a member who runs the group.
#[Object(crate = "crate::graphql::eager")]
impl MessageRevoked {
    /// The message: its content is null.
    fn message(&self) -> Message {
        Message::card(Arc::clone(&self.0))
    }

    /// Who revoked it; null once it was deleted as well.
    fn by(&self) -> Option<UserRelation> {
        self.0.message.marks.as_ref().and_then(|marks| marks.by).map(User::by_id)
    }
}

/// A message was deleted: for everyone, or by the viewer for themselves alone. It keeps its place among the messages of others,
/// without its content.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct MessageDeleted {
    /// Its global id.
    message_id: ID,
    /// Its place in the conversation.
    seq: i32,
    /// Whether it was deleted for everyone; otherwise it is gone for the viewer alone.
    for_everyone: bool,
    /// Where it was.
    conversation: Conversation,
}

impl MessageDeleted {
    /// The deletion of a message; None where its conversation was not loaded along.
    #[must_use]
    pub fn of(card: &MessageCard) -> Option<Self> {
        let message = &card.message;
        Some(Self {
            message_id: message.id.global(),
            seq: message.seq,
            for_everyone: message.status == MessageStatus::Deleted,
            conversation: Conversation::shared(card.conversation.clone()?),
        })
    }
}

/// The reactions to a message changed: what came within 0.2 seconds is one event.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ReactionsChanged {
    /// The message, with its reactions as they are when delivered.
    pub message: Message,
}

/// A member has read on: either person of a direct conversation; in a group the viewer, on one of their devices.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ConversationRead {
    /// Where.
    pub conversation: Conversation,
    /// Who, and up to where.
    pub marker: ReadMarker,
}

/// The other person of a direct conversation has received messages: their devices fetched them.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ConversationDelivered {
    /// Where.
    pub conversation: Conversation,
    /// Who.
    pub user: User,
    /// Up to this message.
    pub seq: i32,
}

/// The viewer pinned, muted, hid or cleared a conversation, or does so no longer, on one of their devices.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ConversationChanged {
    /// The conversation, as the viewer sees it when the event is delivered.
    pub conversation: Conversation,
}

/// Members of a group's conversation came or went, in one step. Those who went are told as well, as the last they hear. Where
/// `disableViewMember` is set, general members are told by name of themselves, the owner and managers alone. A viewer among the
/// `added` may have been a member before: what lies between is not theirs, so fetch the conversation anew.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct MembershipChanged {
    /// Where.
    conversation: Conversation,
    /// Who did it; null where no user did, or their account is deleted.
    actor: Option<User>,
    /// Members from now on: at most 20 of them, the viewer first.
    added: Vec<User>,
    /// How many they are.
    added_count: i32,
    /// Members no longer: at most 20 of them, the viewer first.
    removed: Vec<User>,
    /// How many they are.
    removed_count: i32,
}

impl MembershipChanged {
    /// As it is shared among those who get the event.
    #[must_use]
    pub fn of(members: &ChangedMembers) -> Self {
        let users = |users: &[Arc<_>]| users.iter().map(|user| User(Arc::clone(user))).collect();
        Self {
            conversation: Conversation::shared(Arc::clone(&members.conversation)),
            actor: members.actor.clone().map(User),
            added: users(&members.added),
            added_count: i32::try_from(members.added_count).unwrap_or(i32::MAX),
            removed: users(&members.removed),
            removed_count: i32::try_from(members.removed_count).unwrap_or(i32::MAX),
        }
    }
}

impl MessageReceived {
    /// The delivery of an event, if it tells of a message.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let Some(EventPayload::Message(card)) = event.payload() else { return None };
        Some(Self { cursor: event.cursor().encode(), message: Message::card(card) })
    }
}

plain_enums!(TypingState);
plain_struct!(TypingEvent { "conversation" => conversation, "user" => user, "state" => state, "at" => at });
plain_struct!(MessageReceived { "cursor" => cursor, "message" => message });
plain_struct!(MessageCreated { "message" => message });
plain_struct!(MessageUpdated { "message" => message });
plain!(MessageRevoked {
    "message" => message,
    "by" => by,
});
plain_struct!(MessageDeleted {
    "messageId" => message_id,
    "seq" => seq,
    "forEveryone" => for_everyone,
    "conversation" => conversation,
});
plain_struct!(ReactionsChanged { "message" => message });
plain_struct!(ConversationRead { "conversation" => conversation, "marker" => marker });
plain_struct!(ConversationDelivered { "conversation" => conversation, "user" => user, "seq" => seq });
plain_struct!(ConversationChanged { "conversation" => conversation });
plain_struct!(MembershipChanged {
    "conversation" => conversation,
    "actor" => actor,
    "added" => added,
    "addedCount" => added_count,
    "removed" => removed,
    "removedCount" => removed_count,
});
