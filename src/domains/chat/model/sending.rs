//! Messages on their way, and where they go.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::{Content, ConversationCard, Message};
use crate::batches::BatchItem;
use crate::domains::accounts::model::User;
use crate::error::AppError;
use crate::ids::{ConversationId, GroupId, MessageId, UserId};

/// The recipient of a message or a marker: a user, a conversation or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The direct conversation with this person.
    User(UserId),
    /// This conversation.
    Conversation(ConversationId),
    /// The conversation of this group.
    Group(GroupId),
}

/// The users mentioned in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// By name, each once.
    pub users: Vec<UserId>,
    /// All members.
    pub all: bool,
}

impl Mentions {
    /// Whether it mentions none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && !self.all
    }
}

/// A message to send, as a client gives it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Where it goes.
    pub to: Target,
    /// What it says.
    pub content: Content,
    /// Encrypted by the clients.
    pub is_private: bool,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// The users mentioned in it.
    pub mentions: Mentions,
    /// The message whose content it has.
    pub forwards: Option<MessageId>,
    /// Why it can't be sent, if it was not before.
    pub refused: Option<AppError>,
    /// The sender's own name for it.
    pub client_message_id: Option<String>,
}

impl Draft {
    /// A content to be sent, and nothing else.
    #[must_use]
    pub fn new(to: Target, content: Content) -> Self {
        let mentions = Mentions::default();
        Self {
            to,
            content,
            is_private: false,
            reply_to: None,
            mentions,
            forwards: None,
            refused: None,
            client_message_id: None,
        }
    }
}

/// A message to send, whose content and client id were checked.
#[derive(Clone, Debug)]
pub struct SendMessage {
    /// Where it goes.
    pub to: Target,
    /// What it says.
    pub content: Content,
    /// Encrypted by the clients.
    pub is_private: bool,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// The users mentioned in it.
    pub mentions: Mentions,
    /// The message whose content it has.
    pub forwards: Option<MessageId>,
    /// Why it can't be sent, if it was not before.
    pub refused: Option<AppError>,
    /// The sender's own name for it, with what it stands for.
    pub client_id: Option<ClientId>,
}

impl SendMessage {
    /// Whether it refers to a file, to a message that it answers, or to what it can't have.
    #[must_use]
    pub fn has_references(&self) -> bool {
        self.reply_to.is_some() || self.content.file().is_some() || self.refused.is_some()
    }

    /// Whether it has what few messages have: it is appended by a statement of its own, as each of these costs all others a part of
    /// theirs.
    #[must_use]
    pub fn has_rare_parts(&self) -> bool {
        self.reply_to.is_some() || !self.mentions.is_empty() || self.forwards.is_some()
    }
}

/// The place of a message that is answered, which the sender may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyTarget {
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its seq.
    pub seq: i32,
}

/// A client's id for a message, and what the message is, as JSON without its address: the same id with anything else is a mistake.
#[derive(Clone, Debug)]
pub struct ClientId {
    /// The id.
    pub id: String,
    /// Content, privacy, the message that it answers and mentions, as they are hashed.
    pub input: Vec<u8>,
}

impl ClientId {
    /// The hash of what the id stands for. It is stored for the conversation, however that was addressed; earlier versions
    /// stored it for the person where one was named.
    #[must_use]
    pub fn input_hash(&self, address: Target) -> Vec<u8> {
        let (kind, id) = match address {
            Target::User(id) => ("user", id.0),
            Target::Conversation(id) => ("conversation", id.0),
            Target::Group(id) => ("conversation", id.conversation().0),
        };
        let hash = Sha256::new().chain_update(format!("[[\"{kind}\",{id}],")).chain_update(&self.input);
        hash.finalize().to_vec()
    }
}

/// A message to append to a conversation together with others.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Where it goes.
    pub conversation: ConversationId,
    /// Who sends it.
    pub sender: UserId,
    /// What it says.
    pub content: Content,
    /// Encrypted by the clients.
    pub is_private: bool,
    /// The sender's own name for it.
    pub client_message_id: Option<String>,
    /// The hash of what that stands for.
    pub input_hash: Option<Vec<u8>>,
    /// How many messages the conversation's opener sends without an answer.
    pub most_unanswered: i32,
}

/// What became of a message in a batch.
#[derive(Clone, Copy, Debug)]
pub struct Appended {
    /// Its key.
    pub id: MessageId,
    /// Its place in the conversation.
    pub seq: i32,
    /// When.
    pub at: DateTime<Utc>,
}

impl BatchItem for NewMessage {
    /// None where it needs a closer look.
    type Outcome = Option<Appended>;

    /// What one sender says in a conversation depends on what they said before, and so does a client id.
    fn conflicts_with(&self, other: &Self) -> bool {
        let has_same_client_id = self.client_message_id.is_some() && self.client_message_id == other.client_message_id;
        self.sender == other.sender && (self.conversation == other.conversation || has_same_client_id)
    }
}

/// A message that was sent or changed, or had been before.
#[derive(Clone, Debug)]
pub struct SentMessage {
    /// The message.
    pub message: Message,
    /// Who sent it, if they were loaded along.
    pub sender: Option<Arc<User>>,
    /// Where, if it was loaded along.
    pub conversation: Option<Arc<ConversationCard>>,
    /// It was there before, under the same client id.
    pub deduplicated: bool,
}
