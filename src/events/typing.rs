//! Who is typing, between instances: through NOTIFY, never through a table.
//!
//! ```text
//! service ──▶ TypingRelay::tell ──▶ queue ──▶ NOTIFY, at most one each 150 ms ──▶ every instance ──▶ crate::live::typing
//! ```
//!
//! Nothing here is promised: what is lost, because a queue is full or a connection broken, clients end by themselves.
//!
//! Invariants:
//! - What is queued, remembered and counted is bounded in number. What doesn't fit is dropped, or forgotten.
//! - Each instance hears what all of them tell, itself included, and remembers it for a few seconds: the same is not told
//!   again, by whichever instance.
//! - A payload is far smaller than the 8,000 bytes that NOTIFY takes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Notify, mpsc};

use crate::domains::chat::model::typing::{TypingChange, TypingState};
use crate::ids::{ConversationId, UserId};

/// Changes that wait to be sent to other instances, or to be handed out here.
const QUEUE_LIMIT: usize = 1000;

/// Changes in one notification, of some 60 bytes each at most.
const PAYLOAD_CHANGES: usize = 100;

/// Members, and users, that are remembered.
const MEMORY_LIMIT: usize = 16_384;

/// How often a user may say that they type, or no longer do, within a window, on one instance.
const CALLS_LIMIT: u32 = 20;
const CALLS_WINDOW: TimeDelta = TimeDelta::seconds(10);

/// See the module.
pub struct TypingRelay {
    state: Mutex<RelayState>,
    /// Something waits to be sent.
    queued: Notify,
    received: mpsc::Sender<TypingChange>,
    receiver: Mutex<Option<mpsc::Receiver<TypingChange>>>,
}

#[derive(Default)]
struct RelayState {
    outgoing: Vec<TypingChange>,
    /// The last change that was told, by whichever instance.
    recent: HashMap<(ConversationId, UserId), TypingChange>,
    calls: HashMap<UserId, CallCount>,
}

/// How often a user has called within a window.
#[derive(Clone, Copy)]
struct CallCount {
    since: DateTime<Utc>,
    count: u32,
}

impl Default for TypingRelay {
    fn default() -> Self {
        let (sender, queue) = mpsc::channel(QUEUE_LIMIT);
        Self { state: Mutex::default(), queued: Notify::new(), received: sender, receiver: Mutex::new(Some(queue)) }
    }
}

impl TypingRelay {
    fn state(&self) -> MutexGuard<'_, RelayState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call of a user's. Costs no statement: each instance counts its own.
    ///
    /// # Errors
    /// When there were too many: the seconds until the next is taken.
    pub fn count_call(&self, user: UserId, now: DateTime<Utc>) -> Result<(), i64> {
        let mut state = self.state();
        if state.calls.len() >= MEMORY_LIMIT {
            state.calls.retain(|_, calls| now - calls.since < CALLS_WINDOW);
            if state.calls.len() >= MEMORY_LIMIT {
                state.calls.clear();
            }
        }
        let calls = state.calls.entry(user).or_insert(CallCount { since: now, count: 0 });
        if now - calls.since >= CALLS_WINDOW {
            *calls = CallCount { since: now, count: 0 };
        }
        if calls.count >= CALLS_LIMIT {
            return Err((calls.since + CALLS_WINDOW - now).num_seconds() + 1);
        }
        calls.count += 1;
        Ok(())
    }

    /// Tells all instances of a change, unless the same was told just now. Dropped where too many wait.
    pub fn tell(&self, change: TypingChange) {
        let mut state = self.state();
        if state.remember(change) && state.outgoing.len() < QUEUE_LIMIT {
            state.outgoing.push(change);
            self.queued.notify_one();
        }
    }

    /// Waits until something is to be sent.
    pub(super) async fn queued(&self) {
        self.queued.notified().await;
    }

    /// The payloads to be sent.
    pub(super) fn take_payloads(&self) -> Vec<String> {
        let outgoing = std::mem::take(&mut self.state().outgoing);
        outgoing.chunks(PAYLOAD_CHANGES).map(encode).collect()
    }

    /// Takes in a payload that an instance sent, and hands it out here. What can't be read, as of a newer instance, is skipped.
    pub(super) fn receive(&self, payload: &str) {
        for change in payload.split(';').filter_map(decode) {
            self.state().note_received(change);
            // Dropped where those who hand it out are slower than all who type.
            let _ = self.received.try_send(change);
        }
    }

    /// What comes from now on; for the one who hands it out here, None for a second one.
    pub fn take_receiver(&self) -> Option<mpsc::Receiver<TypingChange>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl RelayState {
    /// Notes a change of this instance's; false where it is no news.
    fn remember(&mut self, change: TypingChange) -> bool {
        let earlier = self.recent.get(&(change.conversation, change.user));
        let is_news = earlier.is_none_or(|earlier| change.is_news_after(earlier));
        if is_news {
            self.insert(change);
        }
        is_news
    }

    /// Notes what an instance told. This one's own comes back when a later change may be noted.
    fn note_received(&mut self, change: TypingChange) {
        let earlier = self.recent.get(&(change.conversation, change.user));
        if earlier.is_none_or(|earlier| change.at > earlier.at) {
            self.insert(change);
        }
    }

    fn insert(&mut self, change: TypingChange) {
        if self.recent.len() >= MEMORY_LIMIT {
            self.recent.retain(|_, earlier| (change.at - earlier.at).abs() < TypingChange::REPEAT_INTERVAL);
            if self.recent.len() >= MEMORY_LIMIT {
                self.recent.clear();
            }
        }
        self.recent.insert((change.conversation, change.user), change);
    }
}

fn encode(changes: &[TypingChange]) -> String {
    let entry = |TypingChange { conversation, user, state, at }: &TypingChange| {
        let state = match state {
            TypingState::Typing => 'T',
            TypingState::Finished => 'F',
        };
        format!("{},{},{state},{}", conversation.0, user.0, at.timestamp_micros())
    };
    changes.iter().map(entry).collect::<Vec<_>>().join(";")
}

fn decode(entry: &str) -> Option<TypingChange> {
    let mut parts = entry.split(',');
    let mut next = || parts.next();
    let conversation = ConversationId(next()?.parse().ok()?);
    let user = UserId(next()?.parse().ok()?);
    let state = match next()? {
        "T" => TypingState::Typing,
        "F" => TypingState::Finished,
        _ => return None,
    };
    let at = DateTime::from_timestamp_micros(next()?.parse().ok()?)?;
    Some(TypingChange { conversation, user, state, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(user: i64, state: TypingState, micros: i64) -> TypingChange {
        let at = DateTime::from_timestamp_micros(micros).unwrap();
        TypingChange { conversation: ConversationId(1), user: UserId(user), state, at }
    }

    #[test]
    fn a_change_goes_to_another_instance_and_payloads_stay_small() {
        let (one, other) = (TypingRelay::default(), TypingRelay::default());
        let mut received = other.take_receiver().unwrap();
        assert!(other.take_receiver().is_none());
        let far = TypingChange {
            conversation: ConversationId(i64::MAX),
            ..change(i64::MAX, TypingState::Finished, 4_000_000_000_000_000)
        };
        one.tell(far);
        for user in 1..250 {
            one.tell(change(user, TypingState::Typing, 1));
        }
        let payloads = one.take_payloads();
        assert_eq!(payloads.len(), 3);
        assert!(encode(&[far; PAYLOAD_CHANGES]).len() < 8000);
        for payload in &payloads {
            other.receive(payload);
        }
        assert_eq!((received.try_recv().unwrap(), received.len()), (far, 249));
        assert!(one.take_payloads().is_empty());
        other.receive("1,2;x;1,2,NEW,3;;7,8,T,9");
        assert_eq!(received.len(), 250, "what can be read of it");
        other.tell(change(8, TypingState::Typing, 1));
        assert!(other.take_payloads().is_empty(), "told by the other instance");
    }

    #[test]
    fn what_is_queued_and_remembered_is_bounded() {
        let relay = TypingRelay::default();
        let most = i64::try_from(MEMORY_LIMIT).unwrap();
        let now = DateTime::from_timestamp(0, 0).unwrap();
        for user in 0..3 * most {
            relay.tell(change(user, TypingState::Typing, 0));
            relay.count_call(UserId(user), now).unwrap();
        }
        let state = relay.state();
        assert_eq!(state.outgoing.len(), QUEUE_LIMIT);
        assert!(state.recent.len() <= MEMORY_LIMIT && state.calls.len() <= MEMORY_LIMIT);
    }

    #[test]
    fn a_user_says_so_only_so_often() {
        let relay = TypingRelay::default();
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        for _ in 0..CALLS_LIMIT {
            relay.count_call(UserId(1), at(0)).unwrap();
        }
        assert_eq!(relay.count_call(UserId(1), at(3)), Err(8));
        relay.count_call(UserId(2), at(3)).unwrap();
        relay.count_call(UserId(1), at(10)).unwrap();
    }

    #[test]
    fn what_comes_back_hides_nothing_later() {
        let relay = TypingRelay::default();
        relay.tell(change(1, TypingState::Typing, 1));
        let sent = relay.take_payloads().remove(0);
        relay.tell(change(1, TypingState::Finished, 2));
        relay.receive(&sent);
        relay.take_payloads();
        relay.tell(change(1, TypingState::Finished, 3));
        assert!(relay.take_payloads().is_empty());
        relay.tell(change(1, TypingState::Typing, 4));
        assert_eq!(relay.take_payloads().len(), 1);
    }
}
