//! How many of something each holder has, and no more than so many.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Counts<K> = Arc<Mutex<HashMap<K, u32>>>;

/// What each holder has. Holders without any are not remembered.
#[derive(Clone, Debug)]
pub struct Tally<K> {
    limit: u32,
    counts: Counts<K>,
}

/// One that a holder has, until it is dropped.
#[derive(Debug)]
pub struct Held<K: Copy + Eq + Hash> {
    holder: K,
    counts: Counts<K>,
}

fn lock<K>(counts: &Mutex<HashMap<K, u32>>) -> MutexGuard<'_, HashMap<K, u32>> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Copy + Eq + Hash> Tally<K> {
    /// So many for each holder.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self { limit, counts: Arc::default() }
    }

    /// Takes one for a holder; none when it has all that it may have.
    #[must_use]
    pub fn take(&self, holder: K) -> Option<Held<K>> {
        let mut counts = lock(&self.counts);
        let count = counts.get(&holder).copied().unwrap_or_default();
        if count >= self.limit {
            return None;
        }
        counts.insert(holder, count + 1);
        Some(Held { holder, counts: Arc::clone(&self.counts) })
    }

    /// Whether no holder has any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        lock(&self.counts).is_empty()
    }
}

impl<K: Copy + Eq + Hash> Drop for Held<K> {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        if let Some(count) = counts.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.holder);
            }
        }
    }
}
