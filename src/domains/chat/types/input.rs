//! Inputs and payloads of chat.

use std::sync::Arc;

use async_graphql::{ID, InputObject, OneofObject, SimpleObject};

use super::{Conversation, Message};
use crate::domains::chat::model::{Content, Draft, MessageCard, SentMessage, Target};
use crate::error::AppResult;
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::scalars::mutation_id;
use crate::ids::{ConversationId, GroupId, UserId};

/// Where a message or a marker goes: exactly one of these.
#[derive(OneofObject)]
pub enum MessageTarget {
    /// The direct conversation with this user; the first message makes it.
    UserId(ID),
    /// This conversation.
    ConversationId(ID),
    /// The conversation of this group.
    GroupId(ID),
}

impl MessageTarget {
    /// The typed target; `path` is the argument's.
    ///
    /// # Errors
    /// `NOT_FOUND` when the id is not of the right kind.
    pub fn parse(&self, path: &str) -> AppResult<Target> {
        match self {
            Self::UserId(id) => mutation_id(UserId::parse, id, &format!("{path}.userId")).map(Target::User),
            Self::ConversationId(id) => {
                mutation_id(ConversationId::parse, id, &format!("{path}.conversationId")).map(Target::Conversation)
            }
            Self::GroupId(id) => mutation_id(GroupId::parse, id, &format!("{path}.groupId")).map(Target::Group),
        }
    }
}

/// Words.
#[derive(InputObject)]
pub struct TextContentInput {
    /// The words: not empty, at most 8,000 characters and 64,000 bytes.
    pub text: String,
}

/// What a message says: exactly one of these.
#[derive(OneofObject)]
pub enum MessageContentInput {
    /// Words.
    Text(TextContentInput),
}

impl From<MessageContentInput> for Content {
    fn from(input: MessageContentInput) -> Self {
        match input {
            MessageContentInput::Text(TextContentInput { text }) => Self::Text { text },
        }
    }
}

/// A message to send.
#[derive(InputObject)]
pub struct SendMessageInput {
    /// Where it goes.
    to: MessageTarget,
    /// What it says.
    content: MessageContentInput,
    /// Client-side encrypted; the content is opaque to the server.
    #[graphql(default)]
    is_private: bool,
    /// Your own key for the message, 1 to 64 characters; the same key returns the same message, for ever.
    client_message_id: Option<String>,
}

impl SendMessageInput {
    /// The message to be.
    ///
    /// # Errors
    /// `NOT_FOUND` when the target's id is not of the right kind.
    pub fn parse(self) -> AppResult<Draft> {
        Ok(Draft {
            to: self.to.parse("input.to")?,
            content: self.content.into(),
            is_private: self.is_private,
            client_message_id: self.client_message_id,
        })
    }
}

/// What sending or changing a message gives.
#[derive(SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct MessagePayload {
    /// The message; null when it was refused.
    message: Option<Message>,
    /// The message had been sent before, with this `clientMessageId`.
    deduplicated: bool,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl MessagePayload {
    /// A message was sent, or had been.
    #[must_use]
    pub fn sent(sent: SentMessage) -> Self {
        let SentMessage { message, sender, conversation, deduplicated } = sent;
        let message = match sender {
            Some(sender) => Message::card(Arc::new(MessageCard { message, sender, conversation })),
            None => Message::row(message, conversation),
        };
        Self { message: Some(message), deduplicated, user_errors: Vec::new() }
    }
}

impl Payload for MessagePayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { message: None, deduplicated: false, user_errors }
    }
}

/// What moving a marker gives.
#[derive(SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ConversationPayload {
    /// The conversation as it is then; null when it was refused, or when all conversations were meant.
    conversation: Option<Conversation>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl ConversationPayload {
    /// A marker was moved, or stood there already.
    #[must_use]
    pub fn of(conversation: Option<Conversation>) -> Self {
        Self { conversation, user_errors: Vec::new() }
    }
}

impl Payload for ConversationPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { conversation: None, user_errors }
    }
}
