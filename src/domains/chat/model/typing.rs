//! That a member is typing: told while it lasts, and kept nowhere.

use async_graphql::Enum;
use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::{ConversationId, UserId};

/// Whether a member is typing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TypingState {
    /// They are: show it for at most 6 seconds, unless it is told again.
    Typing,
    /// They no longer are.
    Finished,
}

/// That a member began to type in a conversation, types on, or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypingChange {
    /// Where.
    pub conversation: ConversationId,
    /// Who.
    pub user: UserId,
    /// Whether they are typing now.
    pub state: TypingState,
    /// When they said so.
    pub at: DateTime<Utc>,
}

impl TypingChange {
    /// The same again within this time is not told: half as long as clients show it.
    pub const REPEAT_INTERVAL: TimeDelta = TimeDelta::seconds(3);

    /// Whether it is to be told after an earlier change of the same member in the same conversation.
    #[must_use]
    pub fn is_news_after(&self, earlier: &Self) -> bool {
        self.state != earlier.state || (self.at - earlier.at).abs() >= Self::REPEAT_INTERVAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_again_after_a_while() {
        let change = |state, seconds| TypingChange {
            conversation: ConversationId(1),
            user: UserId(1),
            state,
            at: DateTime::from_timestamp(seconds, 0).unwrap(),
        };
        let first = change(TypingState::Typing, 10);
        assert!(!change(TypingState::Typing, 12).is_news_after(&first));
        assert!(change(TypingState::Typing, 13).is_news_after(&first));
        assert!(change(TypingState::Finished, 10).is_news_after(&first));
    }
}
