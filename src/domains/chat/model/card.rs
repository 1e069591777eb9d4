//! Rows of chat with what clients usually ask for along with them.

use std::sync::Arc;

use super::{Conversation, Member, Message};
use crate::domains::accounts::model::User;
use crate::ids::UserId;

/// A conversation with the two people of a direct one.
#[derive(Clone, Debug)]
pub struct ConversationCard {
    /// The row.
    pub conversation: Conversation,
    /// Both people of a direct conversation, the lower id first.
    pub pair: Option<(User, User)>,
}

impl ConversationCard {
    /// The other one of a direct conversation; oneself in a conversation with oneself.
    #[must_use]
    pub fn peer_of(&self, viewer: UserId) -> Option<&User> {
        self.pair.as_ref().map(|(low, high)| if low.id == viewer { high } else { low })
    }
}

/// A conversation as one person sees it, who is or was its member.
#[derive(Clone, Debug)]
pub struct ConversationView {
    /// The conversation.
    pub card: ConversationCard,
    /// The person's membership.
    pub member: Member,
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
}
