//! Topics: what an event is published to, and what listeners listen to.

use diesel::sql_types::Text;

use crate::db::pg_enum;
use crate::ids::{ConversationId, UserId};

pg_enum! {
    /// The kind of a topic.
    pub enum TopicKind: Text {
        /// A conversation, for its members, each as far as their window goes.
        Conversation = "CONVERSATION",
        /// A person, for themselves.
        User = "USER",
        /// A role, by its rank, for all who have it or a higher one.
        Role = "ROLE",
        /// A group, for those who manage it. Nothing is published to it yet.
        GroupStaff = "GROUP_STAFF",
        /// A merchant, for its staff. Nothing is published to it yet.
        Merchant = "MERCHANT",
    }
    unknown:
        /// A newer instance's topic: it has no subscribers here.
        new Unknown
}

/// A topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Topic {
    /// Its kind.
    pub kind: TopicKind,
    /// Which one of the kind.
    pub id: i64,
}

impl Topic {
    /// The members of a conversation.
    #[must_use]
    pub fn conversation(id: ConversationId) -> Self {
        Self { kind: TopicKind::Conversation, id: id.0 }
    }

    /// One person.
    #[must_use]
    pub fn user(id: UserId) -> Self {
        Self { kind: TopicKind::User, id: id.0 }
    }

    /// Those whose role has at least this rank.
    #[must_use]
    pub fn role(rank: i64) -> Self {
        Self { kind: TopicKind::Role, id: rank }
    }
}
