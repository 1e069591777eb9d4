//! Limits of concurrent uploads: in all, per user and per network.
//!
//! A slot is acquired after the first bytes of a file and held until the response, under a minimum transfer rate. It
//! replaces the mutation permit of requests with files.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::shared_limit::NetworkLimiter;
use crate::config::TransportLimits;
use crate::error::{AppError, AppResult};
use crate::ids::UserId;
use crate::keyed_semaphore::{KeyedPermit, KeyedSemaphore};

/// Longest wait for a slot.
const SLOT_TIMEOUT: Duration = Duration::from_secs(8);

/// Fraction of the slots that one user may hold: one in four.
const USER_SHARE: usize = 4;

/// See the module docs.
#[derive(Clone)]
pub struct UploadSlots {
    all: Arc<Semaphore>,
    by_user: KeyedSemaphore<UserId>,
    by_network: NetworkLimiter,
}

/// A slot; released on drop.
pub struct UploadSlot {
    _held: (KeyedPermit<UserId>, Option<KeyedPermit<IpAddr>>, OwnedSemaphorePermit),
}

/// Who uploads.
#[derive(Clone, Copy, Debug)]
pub struct Uploader {
    /// Owner of the files.
    pub user: UserId,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// A local program: exempt from the network limit left at its default.
    pub is_local: bool,
}

impl UploadSlots {
    /// With the configured limits.
    pub fn new(limits: &TransportLimits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.uploads)),
            by_user: KeyedSemaphore::new((limits.uploads / USER_SHARE).max(1)),
            by_network: NetworkLimiter::new(limits.uploads_per_address),
        }
    }

    /// Waits for a slot.
    ///
    /// # Errors
    /// Overloaded if none becomes free in time.
    pub async fn acquire(&self, uploader: Uploader) -> AppResult<UploadSlot> {
        let acquire = async {
            let user_permit = self.by_user.acquire(uploader.user).await?;
            let network_permit = self.by_network.acquire(uploader.ip, uploader.is_local).await?;
            let permit = Arc::clone(&self.all).acquire_owned().await.map_err(AppError::internal)?;
            Ok(UploadSlot { _held: (user_permit, network_permit, permit) })
        };
        timeout(SLOT_TIMEOUT, acquire).await.unwrap_or_else(|_| Err(AppError::overloaded()))
    }
}
