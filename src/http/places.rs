//! How many uploads there are at once: so many in all, and of one person and of one network no more than a part of them.
//!
//! A place is taken once the first bytes of a file have come and is held by sending on, so silence holds none. It goes on
//! with the request until that is answered: what waits for its pictures is bounded here, and takes no mutation's place.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::config::{Rate, TransportLimits};
use crate::error::{AppError, AppResult};
use crate::ids::UserId;
use crate::rates::network;

/// How long one waits for a place.
const PLACE_TIMEOUT: Duration = Duration::from_secs(8);

/// A person gets one place in so many.
const SHARE: usize = 4;

/// People and networks whose places are remembered, and for how long after they last took one.
const REMEMBERED: u64 = 10_000;
const REMEMBERED_FOR: Duration = Duration::from_mins(15);

/// See the module.
#[derive(Clone)]
pub struct Places {
    all: Arc<Semaphore>,
    share: usize,
    per_network: Rate,
    by_person: Cache<UserId, Arc<Semaphore>>,
    by_network: Cache<IpAddr, Arc<Semaphore>>,
}

/// A place, until it is dropped.
pub struct Place {
    _held: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>, OwnedSemaphorePermit),
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
            share: (limits.uploads / SHARE).max(1),
            per_network: limits.uploads_per_address,
            by_person: Cache::builder().max_capacity(REMEMBERED).time_to_idle(REMEMBERED_FOR).build(),
            by_network: Cache::builder().max_capacity(REMEMBERED).time_to_idle(REMEMBERED_FOR).build(),
        }
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// Overloaded when none becomes free in time.
    pub async fn take(&self, uploader: Uploader) -> AppResult<Place> {
        let of_person = self.by_person.get_with(uploader.person, || Arc::new(Semaphore::new(self.share)));
        let is_spared = uploader.is_local && !self.per_network.explicit;
        let of_network = uploader.ip.filter(|_| !is_spared).map(|ip| {
            self.by_network.get_with(network(ip), || Arc::new(Semaphore::new(self.per_network.most as usize)))
        });
        let take = async {
            let of_person = of_person.acquire_owned().await.map_err(AppError::internal)?;
            let of_network = match of_network {
                Some(places) => Some(places.acquire_owned().await.map_err(AppError::internal)?),
                None => None,
            };
            let of_all = Arc::clone(&self.all).acquire_owned().await.map_err(AppError::internal)?;
            Ok(Place { _held: (of_person, of_network, of_all) })
        };
        timeout(PLACE_TIMEOUT, take).await.unwrap_or_else(|_| Err(AppError::overloaded()))
    }
}
