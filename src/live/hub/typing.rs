//! Who follows typing here.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Hub, SubscriberId};
use crate::domains::chat::model::typing::TypingChange;
use crate::events::Topic;
use crate::ids::{ConversationId, UserId};
use crate::live::typing::TypingNotice;

/// Notices that wait for one subscriber; what comes when it has so many is dropped.
const QUEUE_LIMIT: usize = 64;

/// A subscription to typing.
pub(super) struct TypingSubscriber {
    queue: mpsc::Sender<Arc<TypingNotice>>,
    conversation: Option<ConversationId>,
}

impl TypingSubscriber {
    fn includes(&self, conversation: ConversationId) -> bool {
        self.conversation.is_none_or(|only| only == conversation)
    }
}

impl Hub {
    /// Makes a registered subscription one to typing, in one conversation or in all of the person's.
    #[must_use]
    pub fn follow_typing(
        &self,
        user: UserId,
        id: SubscriberId,
        conversation: Option<ConversationId>,
    ) -> mpsc::Receiver<Arc<TypingNotice>> {
        let (queue, receiver) = mpsc::channel(QUEUE_LIMIT);
        if let Some(listener) = self.state().listeners.get_mut(&user) {
            listener.typing.insert(id, TypingSubscriber { queue, conversation });
        }
        receiver
    }

    /// Those who follow typing in a conversation here, past members among them, without the one who types.
    #[must_use]
    pub fn typing_followers(&self, change: &TypingChange) -> Vec<UserId> {
        let state = self.state();
        let follows = |user: &&UserId| {
            let mut subscribers = state.listeners.get(user).into_iter().flat_map(|listener| listener.typing.values());
            **user != change.user && subscribers.any(|subscriber| subscriber.includes(change.conversation))
        };
        let listeners = state.topics.get(&Topic::conversation(change.conversation));
        listeners.into_iter().flatten().filter(follows).copied().collect()
    }

    /// Hands a notice to what a person follows it with here.
    pub fn tell_typing(&self, user: UserId, notice: &Arc<TypingNotice>) {
        let state = self.state();
        let Some(listener) = state.listeners.get(&user) else { return };
        let conversation = notice.conversation.conversation.id;
        for subscriber in listener.typing.values().filter(|subscriber| subscriber.includes(conversation)) {
            let _ = subscriber.queue.try_send(Arc::clone(notice));
        }
    }
}
