//! Rows of chat with what clients usually ask for along with them.

use std::sync::Arc;

use super::{Conversation, Member, Message};
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
}
