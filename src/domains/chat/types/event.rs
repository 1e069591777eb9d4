//! Events of chat, as subscribers get them.

use async_graphql::SimpleObject;

use super::{Conversation, Message, ReadMarker};
use crate::live::{Event, Payload};

/// One delivery of the message stream.
#[derive(Clone, SimpleObject)]
pub struct MessageReceived {
    /// Resume point: subscribe with it as `after`, and nothing is missed or doubled.
    cursor: String,
    /// The message, as it is when delivered.
    pub message: Message,
}

/// A message was sent.
#[derive(Clone, SimpleObject)]
pub struct MessageCreated {
    /// The message, as it is when delivered.
    pub message: Message,
}

/// A message was edited.
#[derive(Clone, SimpleObject)]
pub struct MessageUpdated {
    /// The message, as it is when delivered.
    pub message: Message,
}

/// Somebody has read on.
#[derive(Clone, SimpleObject)]
pub struct ConversationRead {
    /// Where.
    pub conversation: Conversation,
    /// Who, and up to where.
    pub marker: ReadMarker,
}

impl MessageReceived {
    /// The delivery of an event, if it tells of a message.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let Payload::Message(card) = &event.payload else { return None };
        Some(Self { cursor: event.cursor().encode(), message: Message::card(card.get()) })
    }
}
