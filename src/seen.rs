//! Values read lately, kept in memory until they change.
//!
//! Invariants:
//! - What changes a value says so twice: on its own instance once it has committed, and to all instances by an event.
//! - A value is kept only if nothing was said to have changed while it was read: a read that began before a commit never
//!   outlives it.
//! - Without the event feed nothing is kept and nothing is found. So what is found is behind the database by no more than
//!   the feed is.
//! - What a permission depends on is read from the database, not here.

use std::fmt::{Debug, Formatter};
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use quick_cache::sync::Cache;

/// Values by key.
pub struct SeenValues<K, V> {
    values: Cache<K, V>,
    /// How often anything was said to have changed.
    changes: AtomicU64,
    is_followed: AtomicBool,
}

/// The state before a read.
#[derive(Clone, Copy, Debug)]
pub struct BeforeRead(u64);

impl<K: Hash + Eq + Copy + Send + Sync + 'static, V: Clone + Send + Sync + 'static> SeenValues<K, V> {
    /// Room for so many values.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { values: Cache::new(capacity), changes: AtomicU64::new(0), is_followed: AtomicBool::new(false) }
    }

    /// The value of a key, if it was read lately.
    pub fn find(&self, key: &K) -> Option<V> {
        self.is_followed.load(Ordering::Acquire).then(|| self.values.get(key))?
    }

    /// To be asked before values are read that are to be kept.
    pub fn before_read(&self) -> BeforeRead {
        BeforeRead(self.changes.load(Ordering::Acquire))
    }

    /// Keeps what was read, unless anything has changed meanwhile.
    pub fn keep(&self, before: BeforeRead, key: K, value: V) {
        if !self.is_followed.load(Ordering::Acquire) || self.is_later(before) {
            return;
        }
        self.values.insert(key, value);
        // A change that came between is not overlooked.
        if self.is_later(before) {
            self.values.remove(&key);
        }
    }

    /// Says that the value of a key has changed.
    pub fn forget(&self, key: &K) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.values.remove(key);
    }

    /// Says that any value may have changed.
    pub fn clear(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.values.clear();
    }

    /// Says whether changes are heard of from now on.
    pub fn follow(&self, is_followed: bool) {
        if self.is_followed.swap(is_followed, Ordering::AcqRel) != is_followed {
            self.clear();
        }
    }

    fn is_later(&self, before: BeforeRead) -> bool {
        self.changes.load(Ordering::Acquire) != before.0
    }
}

impl<K, V> Debug for SeenValues<K, V> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeenValues").field("is_followed", &self.is_followed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_until_it_changes() {
        let seen = SeenValues::new(10);
        seen.follow(true);
        let before = seen.before_read();
        seen.keep(before, 1, "one");
        seen.keep(before, 2, "two");
        assert_eq!((seen.find(&1), seen.find(&2)), (Some("one"), Some("two")));
        seen.forget(&1);
        assert_eq!((seen.find(&1), seen.find(&2)), (None, Some("two")));
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let seen = SeenValues::new(10);
        seen.follow(true);
        let before = seen.before_read();
        seen.forget(&1);
        seen.keep(before, 1, "old");
        assert_eq!(seen.find(&1), None);
    }

    #[test]
    fn nothing_is_found_or_kept_while_changes_are_not_heard_of() {
        let seen = SeenValues::new(10);
        seen.keep(seen.before_read(), 1, "one");
        seen.follow(true);
        assert_eq!(seen.find(&1), None);
        let before = seen.before_read();
        seen.keep(before, 1, "one");
        seen.follow(false);
        assert_eq!(seen.find(&1), None);
        seen.follow(true);
        seen.keep(before, 2, "two");
        assert_eq!((seen.find(&1), seen.find(&2)), (None, None), "of before the gap");
    }
}
