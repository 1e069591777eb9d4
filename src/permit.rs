//! Permit of a running mutation, which bounds concurrency and is released during slow waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{AppError, AppResult};

/// See the module docs. Stored in the data of a mutation's request.
#[derive(Debug)]
pub struct MutationPermit {
    all: Arc<Semaphore>,
    /// None while released.
    held: Mutex<Option<OwnedSemaphorePermit>>,
}

impl MutationPermit {
    /// Takes a permit.
    ///
    /// # Errors
    /// Overloaded if none is free.
    pub fn take(all: &Arc<Semaphore>) -> AppResult<Self> {
        let held = Arc::clone(all).try_acquire_owned().map_err(|_| AppError::overloaded())?;
        Ok(Self { all: Arc::clone(all), held: Mutex::new(Some(held)) })
    }

    /// Awaits work without the permit, then reacquires it, ahead of new mutations, which do not queue. Running mutations have
    /// a timeout, so the wait is bounded.
    ///
    /// # Errors
    /// Internal if the semaphore is closed.
    pub async fn pause<T>(&self, wait: impl Future<Output = T>) -> AppResult<T> {
        let is_held = self.lock().take().is_some();
        let waited = wait.await;
        if is_held {
            let again = Arc::clone(&self.all).acquire_owned().await.map_err(AppError::internal)?;
            *self.lock() = Some(again);
        }
        Ok(waited)
    }

    fn lock(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pause_gives_the_permit_to_others_and_takes_it_again() {
        let all = Arc::new(Semaphore::new(1));
        let permit = MutationPermit::take(&all).unwrap();
        assert!(MutationPermit::take(&all).is_err());
        let is_free = permit.pause(async { MutationPermit::take(&all).is_ok() }).await.unwrap();
        assert!(is_free);
        assert!(MutationPermit::take(&all).is_err());
        drop(permit);
        assert!(MutationPermit::take(&all).is_ok());
    }
}
