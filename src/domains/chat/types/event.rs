//! Events of chat, as subscribers get them.

use std::sync::Arc;

use async_graphql::SimpleObject;

use super::{Conversation, Message, ReadMarker};
use crate::domains::accounts::types::User;
use crate::graphql::eager::plain_struct;
use crate::live::event::ChangedMembers;
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

/// A member has read on: either person of a direct conversation; in a group the viewer, on one of their devices.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ConversationRead {
    /// Where.
    pub conversation: Conversation,
    /// Who, and up to where.
    pub marker: ReadMarker,
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

plain_struct!(MessageReceived { "cursor" => cursor, "message" => message });
plain_struct!(MessageCreated { "message" => message });
plain_struct!(MessageUpdated { "message" => message });
plain_struct!(ConversationRead { "conversation" => conversation, "marker" => marker });
plain_struct!(MembershipChanged {
    "conversation" => conversation,
    "actor" => actor,
    "added" => added,
    "addedCount" => added_count,
    "removed" => removed,
    "removedCount" => removed_count,
});
