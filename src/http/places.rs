//! How many uploads are read at once: so many in all, and of one person no more than a part of them, so that nobody who
//! sends slowly keeps everybody else out. Whoever comes too many waits a little before any of theirs is read.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::{AppError, AppResult};
use crate::ids::UserId;

/// How long one waits for a place.
const PATIENCE: Duration = Duration::from_secs(8);

/// A person gets one place in so many.
const SHARE: usize = 4;

/// People whose places are remembered, and for how long after they last took one.
const PEOPLE: u64 = 10_000;
const REMEMBERED: Duration = Duration::from_mins(15);

/// See the module.
#[derive(Clone)]
pub struct Places {
    all: Arc<Semaphore>,
    share: usize,
    by_person: Cache<UserId, Arc<Semaphore>>,
}

/// A place, until it is dropped.
pub struct Place {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Places {
    /// So many in all.
    pub fn new(all: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            share: (all / SHARE).max(1),
            by_person: Cache::builder().max_capacity(PEOPLE).time_to_idle(REMEMBERED).build(),
        }
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// Overloaded when none becomes free in time.
    pub async fn take(&self, person: UserId) -> AppResult<Place> {
        let own = self.by_person.get_with(person, || Arc::new(Semaphore::new(self.share)));
        let take = async {
            let own = own.acquire_owned().await.map_err(AppError::internal)?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.map_err(AppError::internal)?;
            Ok(Place { _own: own, _of_all: of_all })
        };
        timeout(PATIENCE, take).await.unwrap_or_else(|_| Err(AppError::overloaded()))
    }
}
