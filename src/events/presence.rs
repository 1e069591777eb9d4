//! Who is online, between instances: through NOTIFY, never through a table.
//!
//! ```text
//! subscription ──▶ PresenceBoard::arrive ──▶ NOTIFY, at most one each 150 ms ──▶ every instance ──▶ crate::live::presence
//! ```
//!
//! Invariants:
//! - Each instance tells who came and who left, and every 20 seconds all who are there. Those of an instance that says
//!   nothing for 50 seconds are offline: a killed one, or one that can't be heard. Lost notifications are mended by then.
//! - A user whose last subscription ends is online for 3 seconds more: a reconnect is no news.
//! - What is remembered is bounded in number. Users beyond the limit appear offline; when users were last seen is forgotten.
//! - A payload is smaller than the 8,000 bytes that NOTIFY takes.

mod state;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use self::state::{BoardState, GRACE, InstanceId, Outgoing, USERS_LIMIT};
use crate::clock::random_bytes;
use crate::domains::presence::model::Presence;
use crate::ids::UserId;

pub use self::state::PresenceChange;

/// Users in one payload, of 20 bytes each at most.
const PAYLOAD_USERS: usize = 350;

/// See the module.
pub struct PresenceBoard {
    instance: InstanceId,
    state: Mutex<BoardState>,
    /// Something waits to be told to other instances.
    queued: Notify,
    /// Something waits to be told to those who follow it here.
    changed: Notify,
}

/// A subscription of a user's on this instance: while there is one, they are online.
pub struct Arrival {
    board: Arc<PresenceBoard>,
    user: UserId,
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.board.leave(self.user, Instant::now());
    }
}

impl Default for PresenceBoard {
    fn default() -> Self {
        Self {
            instance: InstanceId::from_le_bytes(random_bytes()),
            state: Mutex::default(),
            queued: Notify::new(),
            changed: Notify::new(),
        }
    }
}

impl PresenceBoard {
    fn state(&self) -> MutexGuard<'_, BoardState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a subscription of a user's, until the answer is dropped.
    pub fn arrive(self: &Arc<Self>, user: UserId) -> Arrival {
        let mut state = self.state();
        let was_online = state.is_online(user);
        let is_known = state.here.contains_key(&user);
        let local = state.here.entry(user).or_default();
        local.subscriptions += 1;
        local.leaves_at = None;
        if !is_known {
            state.outgoing.add(user);
            self.queued.notify_one();
        }
        if !was_online {
            state.note_change(user, PresenceChange::Moved);
            self.changed.notify_one();
        }
        Arrival { board: Arc::clone(self), user }
    }

    fn leave(&self, user: UserId, now: Instant) {
        let mut state = self.state();
        let Some(local) = state.here.get_mut(&user) else { return };
        local.subscriptions = local.subscriptions.saturating_sub(1);
        if local.subscriptions == 0 {
            local.leaves_at = Some(now + GRACE);
            state.leaving.push_back((now + GRACE, user));
        }
    }

    /// Whether a user is online, as this instance knows it, and when they went offline, if that is remembered.
    #[must_use]
    pub fn look(&self, user: UserId) -> Presence {
        let state = self.state();
        Presence { is_online: state.is_online(user), last_seen_at: state.last_seen.get(&user).copied() }
    }

    /// Tells all instances that a user changed who sees it.
    pub fn tell_setting(&self, user: UserId) {
        let mut state = self.state();
        if state.outgoing.settings.len() < USERS_LIMIT {
            state.outgoing.settings.insert(user);
        }
        state.note_change(user, PresenceChange::Setting);
        self.queued.notify_one();
        self.changed.notify_one();
    }

    /// Asks all instances who is there, as they may have told it while this one did not listen.
    pub(super) fn say_hello(&self) {
        self.state().outgoing.says_hello = true;
        self.queued.notify_one();
    }

    /// Lets those leave whose time is over, and tells again who is there; several times a second.
    pub(super) fn tick(&self, now: Instant, at: DateTime<Utc>) {
        let mut state = self.state();
        let left = state.end_leaving(now, at);
        let expired = state.expire(now, at);
        let renews = state.renew(now);
        if left || renews {
            self.queued.notify_one();
        }
        if left || expired {
            self.changed.notify_one();
        }
    }

    /// Waits until something is to be told to other instances.
    pub(super) async fn queued(&self) {
        self.queued.notified().await;
    }

    /// What is to be told to other instances.
    pub(super) fn take_payloads(&self) -> Vec<String> {
        let mut state = self.state();
        let Outgoing { says_hello, renews, users, settings } = std::mem::take(&mut state.outgoing);
        let (here, left): (Vec<UserId>, Vec<UserId>) =
            users.into_iter().partition(|user| state.here.contains_key(user));
        let here = if renews { state.here.keys().copied().collect() } else { here };
        let mut payloads = if says_hello { vec![self.encode('?', &[])] } else { Vec::new() };
        for (kind, users) in [('+', here), ('-', left), ('!', settings.into_iter().collect())] {
            payloads.extend(users.chunks(PAYLOAD_USERS).map(|users| self.encode(kind, users)));
        }
        payloads
    }

    fn encode(&self, kind: char, users: &[UserId]) -> String {
        let mut payload = format!("{:x}{kind}", self.instance);
        for user in users {
            let _ = write!(payload, "{},", user.0);
        }
        payload
    }

    /// Takes in a payload that an instance told. What can't be read, as of a newer instance, is skipped.
    pub(super) fn receive(&self, payload: &str, now: Instant, at: DateTime<Utc>) {
        let Some(end) = payload.find(['?', '+', '-', '!']) else { return };
        let (instance, told) = payload.split_at(end);
        let Ok(instance) = InstanceId::from_str_radix(instance, 16) else { return };
        if instance == self.instance {
            return;
        }
        let (kind, users) = told.split_at(1);
        let users = users.split(',').filter_map(|user| user.parse().ok().map(UserId));
        let mut state = self.state();
        match kind {
            "?" => {
                state.outgoing.renews = true;
                self.queued.notify_one();
            }
            "+" => users.for_each(|user| state.note_elsewhere(user, instance, now)),
            "-" => users.for_each(|user| state.end_elsewhere(user, instance, at)),
            // "!": the payload was split at one of the four.
            _ => users.for_each(|user| state.note_change(user, PresenceChange::Setting)),
        }
        if !state.changed.is_empty() {
            self.changed.notify_one();
        }
    }

    /// Waits until something changed, and takes at most so many changes.
    pub async fn changes(&self, limit: usize) -> HashMap<UserId, PresenceChange> {
        loop {
            {
                let mut state = self.state();
                let users: Vec<UserId> = state.changed.keys().take(limit).copied().collect();
                if !users.is_empty() {
                    return users.into_iter().filter_map(|user| state.changed.remove_entry(&user)).collect();
                }
            }
            self.changed.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::state::{LAST_SEEN_LIMIT, LEASE_DURATION};
    use super::*;

    fn board() -> Arc<PresenceBoard> {
        Arc::default()
    }

    fn second(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn pass_on(from: &PresenceBoard, to: &PresenceBoard, now: Instant) {
        for payload in from.take_payloads() {
            assert!(payload.len() < 8000);
            to.receive(&payload, now, second(0));
        }
    }

    fn is_online(board: &PresenceBoard, user: i64) -> bool {
        board.look(UserId(user)).is_online
    }

    fn changed(board: &PresenceBoard) -> Vec<i64> {
        let mut changed: Vec<i64> = board.state().changed.drain().map(|(user, _)| user.0).collect();
        changed.sort_unstable();
        changed
    }

    #[test]
    fn who_leaves_is_gone_after_the_grace_alone() {
        let (board, start) = (board(), Instant::now());
        let (one, other) = (board.arrive(UserId(1)), board.arrive(UserId(1)));
        assert_eq!(changed(&board), [1]);
        drop(one);
        board.tick(start + GRACE * 2, second(1));
        assert!(is_online(&board, 1));
        drop(other);
        let back = board.arrive(UserId(1));
        board.tick(start + GRACE * 2, second(2));
        assert!(is_online(&board, 1) && changed(&board).is_empty());
        drop(back);
        board.tick(Instant::now(), second(3));
        assert!(is_online(&board, 1));
        board.tick(Instant::now() + GRACE, second(4));
        assert_eq!(board.look(UserId(1)), Presence { is_online: false, last_seen_at: Some(second(4)) });
        assert_eq!(changed(&board), [1]);
    }

    #[test]
    fn instances_tell_each_other_and_are_forgotten_when_silent() {
        let (one, other, start) = (board(), board(), Instant::now());
        let arrivals: Vec<Arrival> = (1..=1000).map(|user| one.arrive(UserId(i64::MAX - user))).collect();
        pass_on(&one, &other, start);
        assert!((1..=1000).all(|user| is_online(&other, i64::MAX - user)));
        assert!(!is_online(&other, 1));
        one.tick(start, second(0));
        pass_on(&one, &other, start + LEASE_DURATION / 2);
        other.tick(start + LEASE_DURATION, second(1));
        assert!(is_online(&other, i64::MAX - 1), "told again meanwhile");
        changed(&other);
        // On both: what one of them says last does not matter.
        let here = other.arrive(UserId(i64::MAX - 1));
        other.tick(start + LEASE_DURATION * 2, second(2));
        assert!(is_online(&other, i64::MAX - 1) && !is_online(&other, i64::MAX - 2));
        assert_eq!(changed(&other).len(), 999);
        drop((arrivals, here));
        let then = Instant::now() + GRACE;
        one.tick(then, second(3));
        pass_on(&one, &other, then);
        assert!(!is_online(&other, i64::MAX - 2));
    }

    #[test]
    fn a_new_instance_asks_who_is_there() {
        let (one, other, start) = (board(), board(), Instant::now());
        let _arrival = one.arrive(UserId(7));
        one.take_payloads();
        other.say_hello();
        pass_on(&other, &one, start);
        pass_on(&one, &other, start);
        assert!(is_online(&other, 7));
        for payload in ["", "x", "zz+7", "1+", "1+a,9,", "1~9"] {
            other.receive(payload, start, second(0));
        }
        assert!(is_online(&other, 9) && !is_online(&other, 1), "what can be read of it");
        other.receive("1-9,", start, second(5));
        assert_eq!(other.look(UserId(9)).last_seen_at, Some(second(5)));
        assert!(other.take_payloads().is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (board, now) = (board(), Instant::now());
        let most = i64::try_from(USERS_LIMIT).unwrap();
        for user in 0..most + 10 {
            board.receive(&format!("1+{user},"), now, second(0));
        }
        assert!(!is_online(&board, most + 1));
        for user in 0..most {
            board.receive(&format!("1-{user},"), now, second(0));
        }
        let state = board.state();
        assert!(state.elsewhere.is_empty() && state.last_seen.len() <= LAST_SEEN_LIMIT);
        assert!(state.changed.len() <= USERS_LIMIT);
    }
}
