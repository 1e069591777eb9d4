//! Who follows here whether their friends are online.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Hub, SubscriberId};
use crate::ids::UserId;
use crate::live::presence::PresenceNotice;

/// Notices that wait for one subscriber; what comes when it has so many is dropped.
const QUEUE_LIMIT: usize = 1024;

/// A subscription to presence.
pub(super) struct PresenceSubscriber {
    queue: mpsc::Sender<Arc<PresenceNotice>>,
}

impl Hub {
    /// Makes a registered subscription one to presence.
    #[must_use]
    pub fn follow_presence(&self, user: UserId, id: SubscriberId) -> mpsc::Receiver<Arc<PresenceNotice>> {
        let (queue, receiver) = mpsc::channel(QUEUE_LIMIT);
        if let Some(listener) = self.state().listeners.get_mut(&user) {
            listener.presence.insert(id, PresenceSubscriber { queue });
        }
        receiver
    }

    /// All who follow presence here.
    #[must_use]
    pub fn presence_followers(&self) -> Vec<UserId> {
        let state = self.state();
        let followers = state.listeners.iter().filter(|(_, listener)| !listener.presence.is_empty());
        followers.map(|(user, _)| *user).collect()
    }

    /// Hands a notice to what a person follows it with here.
    pub fn tell_presence(&self, user: UserId, notice: &Arc<PresenceNotice>) {
        let state = self.state();
        for subscriber in state.listeners.get(&user).into_iter().flat_map(|listener| listener.presence.values()) {
            let _ = subscriber.queue.try_send(Arc::clone(notice));
        }
    }
}
