//! Rows of chat with what clients usually ask for along with them.

use std::sync::Arc;

use super::{Conversation, Member, Message, Reaction};
use crate::domains::accounts::model::User;

/// A conversation, perhaps with the two people of a direct one.
#[derive(Clone, Debug)]
pub struct ConversationCard {
    /// The row.
    pub conversation: Conversation,
    /// Both people of a direct conversation, the lower id first, where they were loaded along.
    pub pair: Option<(Arc<User>, Arc<User>)>,
}

/// A conversation as one person sees it, who is or was its member.
#[derive(Clone, Debug)]
pub struct ConversationView {
    /// The conversation.
    pub card: ConversationCard,
    /// The person's membership.
    pub member: Member,
}

/// A conversation that a user sends to, as they see it.
#[derive(Clone, Debug)]
pub struct TargetView {
    /// The conversation, and the sender's membership.
    pub view: ConversationView,
    /// Whether one of the people of a direct conversation has left.
    pub has_departed: bool,
}

/// A message with its sender and its conversation: what a chat client usually asks for.
#[derive(Clone, Debug)]
pub struct MessageCard {
    /// The row.
    pub message: Message,
    /// Who sent it.
    pub sender: Arc<User>,
    /// Where, if it was loaded along.
    pub conversation: Option<Arc<ConversationCard>>,
    /// The reactions to it, if they were loaded along.
    pub reactions: Option<Arc<Vec<Reaction>>>,
}

impl MessageCard {
    /// Roughly the bytes that it takes beside its own size.
    #[must_use]
    pub fn approximate_bytes(&self) -> usize {
        let reactions = self.reactions.iter().flat_map(|reactions| reactions.iter());
        let users: usize = reactions.map(|reaction| size_of::<Reaction>() + size_of_val(&reaction.users[..])).sum();
        self.message.approximate_bytes() + users
    }
}

/// A message that is locked, with what decides what a user may do with it.
#[derive(Clone, Debug)]
pub struct HeldMessage {
    /// The message.
    pub message: Message,
    /// Who sent it.
    pub sender: User,
    /// Where.
    pub conversation: Conversation,
    /// The user's membership, if they may see the message.
    pub member: Option<Member>,
}

/// A message that others answer.
#[derive(Clone, Debug)]
pub struct RepliedMessage {
    /// The message with its sender.
    pub card: Arc<MessageCard>,
    /// No member's window begins behind it: all who see an answer see it as well.
    pub is_seen_by_all: bool,
}
