//! So many of something at once for each holder, of whom the rest wait in the order in which they came.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{AppError, AppResult};

type Lines<K> = Arc<Mutex<HashMap<K, Arc<Semaphore>>>>;

/// See the module. It remembers only holders who have something or wait for it.
#[derive(Clone, Debug)]
pub struct Turns<K> {
    limit: usize,
    lines: Lines<K>,
}

/// One that a holder has, until it is dropped.
#[derive(Debug)]
pub struct Turn<K: Copy + Eq + Hash> {
    holder: K,
    lines: Lines<K>,
    permit: Option<OwnedSemaphorePermit>,
}

fn lock<K>(lines: &Mutex<HashMap<K, Arc<Semaphore>>>) -> MutexGuard<'_, HashMap<K, Arc<Semaphore>>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Copy + Eq + Hash> Turns<K> {
    /// So many at once for each holder.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, lines: Arc::default() }
    }

    /// Waits for one.
    ///
    /// # Errors
    /// Internal: a line is never closed.
    pub async fn take(&self, holder: K) -> AppResult<Turn<K>> {
        let line = Arc::clone(lock(&self.lines).entry(holder).or_insert_with(|| Arc::new(Semaphore::new(self.limit))));
        // Made before the wait: one that is given up leaves the line, too.
        let mut turn = Turn { holder, lines: Arc::clone(&self.lines), permit: None };
        turn.permit = Some(line.acquire_owned().await.map_err(AppError::internal)?);
        Ok(turn)
    }

    /// Whether no holder has any, or waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        lock(&self.lines).is_empty()
    }
}

impl<K: Copy + Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        let mut lines = lock(&self.lines);
        self.permit = None;
        // Nothing but the map knows it: whatever takes a turn does so under the same lock.
        if lines.get(&self.holder).is_some_and(|line| Arc::strong_count(line) == 1) {
            lines.remove(&self.holder);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_rest_of_a_holder_s_wait_and_others_do_not() {
        let turns = Turns::new(1);
        let first = turns.take('a').await.unwrap();
        let mut second = Box::pin(turns.take('a'));
        let mut third = Box::pin(turns.take('a'));
        assert!(second.as_mut().now_or_never().is_none() && third.as_mut().now_or_never().is_none());
        drop(turns.take('b').now_or_never().unwrap());
        drop(second);
        drop(first);
        let third = third.now_or_never().unwrap().unwrap();
        assert!(!turns.is_empty());
        drop(third);
        assert!(turns.is_empty());
    }
}
