//! Which messages lists have.

use async_graphql::{ID, InputObject};

use crate::domains::chat::model::{MessageList, MessageType, ReviewFilter, SentFilter};
use crate::error::AppResult;
use crate::graphql::ranges::DateTimeRange;
use crate::graphql::scalars::query_id;
use crate::ids::{ConversationId, UserId};

/// Which messages of a conversation.
#[derive(InputObject)]
pub struct MessageFilter {
    /// Of one of these types; of any where it is left out. Revoked and deleted messages keep their type; `UNSUPPORTED` finds
    /// nothing.
    types: Option<Vec<MessageType>>,
    /// Global id of the user who sent them; of any where it is left out.
    sender_id: Option<ID>,
    /// When they were sent; at any time where it is left out.
    created_at: Option<DateTimeRange>,
}

impl MessageFilter {
    /// Leaves in a list what fits.
    ///
    /// # Errors
    /// Bad input for an id of another kind.
    pub(super) fn apply(self, list: &mut MessageList) -> AppResult<()> {
        let Self { types, sender_id, created_at } = self;
        let sender = sender_id.map(|id| query_id(UserId::parse, &id, "filter.senderId")).transpose()?;
        let times = created_at.unwrap_or_default();
        list.types = types.as_deref().map(each_once);
        list.sent = SentFilter { sender, from: times.first(), until: times.last() };
        Ok(())
    }
}

/// Which of all messages an administrator looks at.
#[derive(InputObject)]
#[graphql(name = "MessageReviewFilter")]
pub struct ReviewFilterInput {
    /// Global id of the conversation; of any where it is left out.
    conversation_id: Option<ID>,
    /// Global id of the user who sent them; of any where it is left out.
    sender_id: Option<ID>,
    /// Of one of these types; of any where it is left out.
    types: Option<Vec<MessageType>>,
    /// When they were sent; at any time where it is left out.
    created_at: Option<DateTimeRange>,
}

impl ReviewFilterInput {
    /// The filter.
    ///
    /// # Errors
    /// Bad input for an id of another kind.
    pub fn parse(self) -> AppResult<ReviewFilter> {
        let Self { conversation_id, sender_id, types, created_at } = self;
        let times = created_at.unwrap_or_default();
        let conversation = conversation_id.map(|id| query_id(ConversationId::parse, &id, "filter.conversationId"));
        let sender = sender_id.map(|id| query_id(UserId::parse, &id, "filter.senderId"));
        Ok(ReviewFilter {
            conversation: conversation.transpose()?,
            types: types.as_deref().map(each_once),
            sent: SentFilter { sender: sender.transpose()?, from: times.first(), until: times.last() },
        })
    }
}

/// Which messages are searched.
#[derive(InputObject)]
pub struct MessageSearchFilter {
    /// Global id of one of the viewer's conversations; all of them where it is left out.
    conversation_id: Option<ID>,
    /// Global id of the user who sent them; of any where it is left out.
    sender_id: Option<ID>,
    /// When they were sent; at any time where it is left out.
    created_at: Option<DateTimeRange>,
}

impl MessageSearchFilter {
    /// The conversation, and how they were sent.
    ///
    /// # Errors
    /// Bad input for an id of another kind.
    pub fn parse(self) -> AppResult<(Option<ConversationId>, SentFilter)> {
        let Self { conversation_id, sender_id, created_at } = self;
        let times = created_at.unwrap_or_default();
        let conversation = conversation_id.map(|id| query_id(ConversationId::parse, &id, "filter.conversationId"));
        let sender = sender_id.map(|id| query_id(UserId::parse, &id, "filter.senderId")).transpose()?;
        let sent = SentFilter { sender, from: times.first(), until: times.last() };
        Ok((conversation.transpose()?, sent))
    }
}

/// The known types among those given, each once.
fn each_once(given: &[MessageType]) -> Vec<MessageType> {
    MessageType::ALL.iter().copied().filter(|type_| given.contains(type_)).collect()
}
