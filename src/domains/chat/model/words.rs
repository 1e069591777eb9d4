//! Finding messages by what they say.

use super::SentFilter;
use crate::ids::{ConversationId, MessageId};

/// How far words of messages are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexProgress {
    /// The rules by which they are made.
    pub version: i16,
    /// Events up to here are dealt with.
    pub position: i64,
    /// Messages behind this id, up to `rest_until`, are to be dealt with; none once they are.
    pub rest_after: Option<i64>,
    /// The last message that was there before.
    pub rest_until: i64,
    /// The last event.
    pub head: i64,
}

/// What a message says.
#[derive(Clone, Debug)]
pub struct IndexedText {
    /// The message.
    pub id: MessageId,
    /// Where.
    pub conversation: ConversationId,
    /// Its words.
    pub text: String,
}

/// What is looked for in the conversations of a user.
#[derive(Clone, Debug)]
pub struct MessageQuery {
    /// The words, and the conversations, as PostgreSQL has them.
    pub words: String,
    /// Sent so.
    pub sent: SentFilter,
}

/// The word that stands for a conversation among the words of its messages. It begins with a space, as no word of a text or a
/// query does: no query finds it, or what it is the beginning of.
#[must_use]
pub fn conversation_word(conversation: ConversationId) -> String {
    format!("' {}'", conversation.0)
}
