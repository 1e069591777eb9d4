//! What a subscription asks for, and what of it its person may see.

use super::topics::Topics;
use crate::events::model::StoredEvent;
use crate::events::{EventKind, Topic, TopicKind};
use crate::ids::{ConversationId, UserId};

/// What a subscription asks for, of what its person may see.
#[derive(Clone, Copy, Debug)]
pub struct EventFilter {
    /// Of these kinds.
    pub kinds: &'static [EventKind],
    /// In this conversation alone.
    pub conversation: Option<ConversationId>,
}

impl EventFilter {
    /// Whether any of its kinds is addressed to roles.
    #[must_use]
    pub fn is_for_roles(&self) -> bool {
        self.conversation.is_none() && self.kinds.iter().any(|kind| kind.is_for_roles())
    }

    /// Whether events of the topic can match.
    #[must_use]
    pub fn includes(&self, topic: Topic) -> bool {
        match self.conversation {
            Some(id) => topic == Topic::conversation(id),
            None => topic.kind != TopicKind::Role || self.is_for_roles(),
        }
    }

    /// Whether an event is asked for, and for this person to see. Used by live delivery and by replay. What is about a person's
    /// own things is told to them as themselves, and not once more for their role.
    #[must_use]
    pub fn matches(&self, user: UserId, topics: &Topics, row: &StoredEvent) -> bool {
        let is_own = row.topic() == Topic::user(user) || row.topic_kind == TopicKind::Conversation;
        let is_twice = !is_own && row.user_id == Some(user);
        self.kinds.contains(&row.kind) && self.includes(row.topic()) && topics.show(row) && !is_twice
    }
}
