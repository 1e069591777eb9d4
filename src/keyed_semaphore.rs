//! A semaphore per key, such as a user or a network.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{AppError, AppResult};

type Semaphores<K> = Arc<Mutex<HashMap<K, Arc<Semaphore>>>>;

/// See the module docs. Unused keys are removed.
#[derive(Clone, Debug)]
pub struct KeyedSemaphore<K> {
    limit: usize,
    semaphores: Semaphores<K>,
}

/// A permit of a key; released on drop.
#[derive(Debug)]
pub struct KeyedPermit<K: Copy + Eq + Hash> {
    key: K,
    semaphores: Semaphores<K>,
    permit: Option<OwnedSemaphorePermit>,
}

fn lock<K>(semaphores: &Mutex<HashMap<K, Arc<Semaphore>>>) -> MutexGuard<'_, HashMap<K, Arc<Semaphore>>> {
    semaphores.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Copy + Eq + Hash> KeyedSemaphore<K> {
    /// `limit` permits for each key.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, semaphores: Arc::default() }
    }

    /// Waits for a permit of a key, in FIFO order.
    ///
    /// # Errors
    /// Internal: the semaphores are never closed.
    pub async fn acquire(&self, key: K) -> AppResult<KeyedPermit<K>> {
        let (semaphore, mut permit) = self.get(key);
        permit.permit = Some(semaphore.acquire_owned().await.map_err(AppError::internal)?);
        Ok(permit)
    }

    /// Takes a permit of a key; none if all are taken.
    #[must_use]
    pub fn try_acquire(&self, key: K) -> Option<KeyedPermit<K>> {
        let (semaphore, mut permit) = self.get(key);
        permit.permit = Some(semaphore.try_acquire_owned().ok()?);
        Some(permit)
    }

    /// A key's semaphore, and an empty permit, whose drop removes an unused key.
    fn get(&self, key: K) -> (Arc<Semaphore>, KeyedPermit<K>) {
        let permit = KeyedPermit { key, semaphores: Arc::clone(&self.semaphores), permit: None };
        let mut semaphores = lock(&self.semaphores);
        let semaphore = semaphores.entry(key).or_insert_with(|| Arc::new(Semaphore::new(self.limit)));
        (Arc::clone(semaphore), permit)
    }

    /// Whether no permit is held or waited for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        lock(&self.semaphores).is_empty()
    }
}

impl<K: Copy + Eq + Hash> Drop for KeyedPermit<K> {
    fn drop(&mut self) {
        let mut semaphores = lock(&self.semaphores);
        self.permit = None;
        // Unused: other references are created under the same lock.
        if semaphores.get(&self.key).is_some_and(|semaphore| Arc::strong_count(semaphore) == 1) {
            semaphores.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_rest_of_a_key_s_wait_and_others_do_not() {
        let people = KeyedSemaphore::new(1);
        let first = people.acquire('a').await.unwrap();
        let mut second = Box::pin(people.acquire('a'));
        let mut third = Box::pin(people.acquire('a'));
        assert!(second.as_mut().now_or_never().is_none() && third.as_mut().now_or_never().is_none());
        assert!(people.try_acquire('a').is_none());
        drop(people.acquire('b').now_or_never().unwrap());
        drop(second);
        drop(first);
        let third = third.now_or_never().unwrap().unwrap();
        assert!(!people.is_empty());
        drop(third);
        assert!(people.is_empty());
        assert!(people.try_acquire('a').is_some() && people.is_empty());
    }
}
