//! What one instance knows of who is online; see [`super`].

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::ids::UserId;

/// How long a user without a subscription is still online.
pub(super) const GRACE: Duration = Duration::from_secs(3);

/// How often an instance tells all who are there.
pub(super) const RENEWAL_INTERVAL: Duration = Duration::from_secs(20);

/// How long those of an instance that says nothing are online.
pub(super) const LEASE_DURATION: Duration = Duration::from_secs(50);

/// Users of other instances, and changes that wait to be told.
pub(super) const USERS_LIMIT: usize = 262_144;

/// Users with a remembered time at which they were last seen.
pub(super) const LAST_SEEN_LIMIT: usize = 65_536;

/// Names an instance for as long as it runs.
pub(super) type InstanceId = u64;

#[derive(Default)]
pub(super) struct BoardState {
    pub(super) here: HashMap<UserId, Local>,
    /// Who is leaving, and when they are gone, in this order.
    pub(super) leaving: VecDeque<(Instant, UserId)>,
    /// On which other instances users are, and when each last told it.
    pub(super) elsewhere: HashMap<UserId, Vec<(InstanceId, Instant)>>,
    pub(super) last_seen: HashMap<UserId, DateTime<Utc>>,
    pub(super) outgoing: Outgoing,
    pub(super) changed: HashMap<UserId, PresenceChange>,
    pub(super) renewed_at: Option<Instant>,
    pub(super) expired_at: Option<Instant>,
}

/// A user on this instance.
#[derive(Default)]
pub(super) struct Local {
    pub(super) subscriptions: usize,
    /// When they are gone, since the last subscription ended.
    pub(super) leaves_at: Option<Instant>,
}

/// What other instances are to be told.
#[derive(Default)]
pub(super) struct Outgoing {
    pub(super) says_hello: bool,
    pub(super) renews: bool,
    pub(super) users: HashSet<UserId>,
    pub(super) settings: HashSet<UserId>,
}

/// Why a user's presence is told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceChange {
    /// They came online or went offline.
    Moved,
    /// They changed who sees it.
    Setting,
}

impl Outgoing {
    pub(super) fn add(&mut self, user: UserId) {
        if self.users.len() < USERS_LIMIT {
            self.users.insert(user);
        }
    }
}

impl BoardState {
    pub(super) fn is_online(&self, user: UserId) -> bool {
        self.here.contains_key(&user) || self.elsewhere.contains_key(&user)
    }

    pub(super) fn note_change(&mut self, user: UserId, change: PresenceChange) {
        if self.changed.len() >= USERS_LIMIT {
            return;
        }
        let noted = self.changed.entry(user).or_insert(change);
        if change == PresenceChange::Setting {
            *noted = change;
        }
    }

    /// Notes that a user is nowhere any more, if so.
    pub(super) fn note_gone(&mut self, user: UserId, at: DateTime<Utc>) {
        if self.is_online(user) {
            return;
        }
        if self.last_seen.len() >= LAST_SEEN_LIMIT {
            self.last_seen.clear();
        }
        self.last_seen.insert(user, at);
        self.note_change(user, PresenceChange::Moved);
    }

    pub(super) fn end_leaving(&mut self, now: Instant, at: DateTime<Utc>) -> bool {
        let mut has_left = false;
        while let Some((_, user)) = self.leaving.front().copied().filter(|(leaves_at, _)| *leaves_at <= now) {
            self.leaving.pop_front();
            // Not those who were back meanwhile.
            let leaves_at = self.here.get(&user).and_then(|local| local.leaves_at);
            if leaves_at.is_some_and(|leaves_at| leaves_at <= now) {
                self.here.remove(&user);
                self.outgoing.add(user);
                self.note_gone(user, at);
                has_left = true;
            }
        }
        has_left
    }

    pub(super) fn renew(&mut self, now: Instant) -> bool {
        if self.renewed_at.is_some_and(|last| now < last + RENEWAL_INTERVAL) {
            return false;
        }
        self.renewed_at = Some(now);
        self.outgoing.renews |= !self.here.is_empty();
        self.outgoing.renews
    }

    pub(super) fn expire(&mut self, now: Instant, at: DateTime<Utc>) -> bool {
        if self.expired_at.is_some_and(|last| now < last + LEASE_DURATION / 10) {
            return false;
        }
        self.expired_at = Some(now);
        let mut gone = Vec::new();
        self.elsewhere.retain(|user, instances| {
            instances.retain(|(_, told)| now < *told + LEASE_DURATION);
            if instances.is_empty() {
                gone.push(*user);
            }
            !instances.is_empty()
        });
        for user in &gone {
            self.note_gone(*user, at);
        }
        !gone.is_empty()
    }

    pub(super) fn note_elsewhere(&mut self, user: UserId, instance: InstanceId, now: Instant) {
        let was_online = self.is_online(user);
        if self.elsewhere.len() >= USERS_LIMIT && !self.elsewhere.contains_key(&user) {
            return;
        }
        let instances = self.elsewhere.entry(user).or_default();
        match instances.iter_mut().find(|(known, _)| *known == instance) {
            Some((_, told)) => *told = now,
            None => instances.push((instance, now)),
        }
        if !was_online {
            self.note_change(user, PresenceChange::Moved);
        }
    }

    pub(super) fn end_elsewhere(&mut self, user: UserId, instance: InstanceId, at: DateTime<Utc>) {
        let Some(instances) = self.elsewhere.get_mut(&user) else { return };
        instances.retain(|(known, _)| *known != instance);
        if instances.is_empty() {
            self.elsewhere.remove(&user);
            self.note_gone(user, at);
        }
    }
}
