//! A member's list of conversations, and what they choose for it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ConversationView, Message, MessageType};
use crate::ids::{ConversationId, UserId};

/// Where a conversation stands in a member's list: pinned ones first, then the latest. Cursors hold it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ConversationPlace {
    /// The member has pinned it.
    pub is_pinned: bool,
    /// When something was last said.
    pub last_activity_at: DateTime<Utc>,
    /// Which one.
    pub id: ConversationId,
}

impl ConversationPlace {
    /// The place of a conversation.
    #[must_use]
    pub fn of(view: &ConversationView) -> Self {
        let conversation = &view.card.conversation;
        Self { is_pinned: view.member.is_pinned, last_activity_at: conversation.last_activity_at, id: conversation.id }
    }
}

/// By which user messages were sent, and when.
#[derive(Clone, Copy, Debug, Default)]
pub struct SentFilter {
    /// By this one.
    pub sender: Option<UserId>,
    /// Then or later.
    pub from: Option<DateTime<Utc>>,
    /// Then or earlier.
    pub until: Option<DateTime<Utc>>,
}

impl SentFilter {
    /// Whether it asks for a time.
    #[must_use]
    pub fn has_times(&self) -> bool {
        self.from.or(self.until).is_some()
    }
}

/// Which messages of a conversation are listed.
#[derive(Clone, Debug)]
pub struct MessageList {
    /// Where.
    pub conversation: ConversationId,
    /// From this seq on.
    pub from_seq: i32,
    /// Up to this one.
    pub until_seq: i32,
    /// Of one of these types, each given once; of any where none are given.
    pub types: Option<Vec<MessageType>>,
    /// Sent so.
    pub sent: SentFilter,
    /// Without what this member deleted for themselves.
    pub hidden_from: Option<UserId>,
}

impl MessageList {
    /// Whether all between the two seqs are listed: these have no gaps.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let Self { types, sent, hidden_from, .. } = self;
        types.is_none() && sent.sender.or(*hidden_from).is_none() && !sent.has_times()
    }

    /// How many lie between the two seqs.
    #[must_use]
    pub fn span(&self) -> i64 {
        i64::from((self.until_seq - self.from_seq + 1).max(0))
    }
}

/// Where a message stands among all that a user sees: by conversation and seq. Cursors hold it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct MessageSpot {
    /// Where.
    pub conversation: ConversationId,
    /// Its seq there.
    pub seq: i32,
}

impl MessageSpot {
    /// Before all messages.
    pub const FIRST: Self = Self { conversation: ConversationId(0), seq: 0 };

    /// Behind all messages.
    pub const LAST: Self = Self { conversation: ConversationId(i64::MAX), seq: i32::MAX };

    /// The place of a message.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        Self { conversation: message.conversation_id, seq: message.seq }
    }
}

/// Which messages an administrator looks at.
#[derive(Clone, Debug, Default)]
pub struct ReviewFilter {
    /// In this conversation.
    pub conversation: Option<ConversationId>,
    /// Of one of these types.
    pub types: Option<Vec<MessageType>>,
    /// Sent so.
    pub sent: SentFilter,
}

/// That an administrator looked at messages.
#[derive(Clone, Copy, Debug)]
pub struct MessageView<'a> {
    /// Who.
    pub admin: UserId,
    /// The filter and the page, as JSON.
    pub asked: &'a str,
    /// How many they were shown.
    pub messages: i32,
}

/// Messages that a user's devices had not fetched.
#[derive(Clone, Debug)]
pub struct PulledMessages {
    /// By conversation and seq.
    pub messages: Vec<Message>,
    /// Whether more may wait.
    pub has_more: bool,
}

/// What a user has not read.
#[derive(Clone, Copy, Debug)]
pub struct UnreadTotals {
    /// Messages of others.
    pub messages: i64,
    /// Conversations with any.
    pub conversations: i64,
}

/// What a member chooses for a conversation; None for what stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct UpdateConversation {
    /// First in their list.
    pub pinned: Option<bool>,
    /// Without alerts of their clients.
    pub muted: Option<bool>,
    /// Not in their list while nothing newer is said.
    pub hidden: Option<bool>,
}
