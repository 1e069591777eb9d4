//! What a subscription cares for, and what of it its person may see.

use std::collections::HashMap;

use super::event::Event;
use crate::domains::chat::model::Window;
use crate::events::{Audience, EventKind};
use crate::ids::{ConversationId, UserId};

/// What a subscription cares for, of what its person may see.
#[derive(Clone, Debug)]
pub struct Interest {
    /// Of these kinds.
    pub kinds: &'static [EventKind],
    /// In this conversation alone.
    pub conversation: Option<ConversationId>,
    /// How far the person's role went when they subscribed: what speaks to a role of at most this rank. Whether it still
    /// goes that far is asked when the event is delivered.
    pub rank: i64,
}

impl Interest {
    /// Whether the event is of a kind and a conversation cared for.
    fn matches(&self, event: &Event) -> bool {
        self.kinds.contains(&event.kind)
            && self.conversation.is_none_or(|id| event.audience == Audience::Conversation(id))
    }

    /// Whether the event is cared for, and for this person to see: the one question that live delivery and replay ask.
    #[must_use]
    pub fn admits(&self, user: UserId, windows: &HashMap<ConversationId, Window>, event: &Event) -> bool {
        self.matches(event)
            && match event.audience {
                Audience::Conversation(id) => {
                    windows.get(&id).is_some_and(|window| window.shows(event.version, event.seq_of_message()))
                }
                Audience::User(id) => id == user,
                Audience::Role(rank) => rank <= self.rank && event.person() != Some(user),
                Audience::Unknown => false,
            }
    }
}
