//! How many uploads there are at once: so many in all, and of one person and of one network no more than a part of them.
//!
//! A place is taken once the first bytes of a file have come and is held by sending on, so silence holds none. It goes on
//! with the request until that is answered: what waits for its pictures is bounded here, and takes no mutation's place.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::shares::Networks;
use crate::config::TransportLimits;
use crate::error::{AppError, AppResult};
use crate::ids::UserId;
use crate::keyed_semaphore::{KeyedPermit, KeyedSemaphore};

/// How long one waits for a place.
const PLACE_TIMEOUT: Duration = Duration::from_secs(8);

/// A person gets one place in so many.
const SHARE: usize = 4;

/// See the module.
#[derive(Clone)]
pub struct Places {
    all: Arc<Semaphore>,
    by_person: KeyedSemaphore<UserId>,
    by_network: Networks,
}

/// A place, until it is dropped.
pub struct Place {
    _held: (KeyedPermit<UserId>, Option<KeyedPermit<IpAddr>>, OwnedSemaphorePermit),
}

/// Who wants a place.
#[derive(Clone, Copy, Debug)]
pub struct Uploader {
    /// Whose files they are.
    pub person: UserId,
    /// From where they come.
    pub ip: Option<IpAddr>,
    /// A program on this machine: its network is not counted where the setting was left alone.
    pub is_local: bool,
}

impl Places {
    /// As many as the settings say.
    pub fn new(limits: &TransportLimits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.uploads)),
            by_person: KeyedSemaphore::new((limits.uploads / SHARE).max(1)),
            by_network: Networks::new(limits.uploads_per_address),
        }
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// Overloaded when none becomes free in time.
    pub async fn take(&self, uploader: Uploader) -> AppResult<Place> {
        let take = async {
            let of_person = self.by_person.acquire(uploader.person).await?;
            let of_network = self.by_network.wait(uploader.ip, uploader.is_local).await?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.map_err(AppError::internal)?;
            Ok(Place { _held: (of_person, of_network, of_all) })
        };
        timeout(PLACE_TIMEOUT, take).await.unwrap_or_else(|_| Err(AppError::overloaded()))
    }
}
