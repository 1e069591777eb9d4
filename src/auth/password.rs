//! Passwords: Argon2id (19 MiB, two passes), on the blocking pool, a bounded number at once.
//!
//! Hashing takes tens of milliseconds of one core on purpose. The permit travels into the blocking task, so that a
//! client that hangs up does not let another hash start beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization;

use crate::clock::random_bytes;
use crate::error::{AppError, AppResult};

/// Longest wait for a hashing permit.
const PERMIT_TIMEOUT: Duration = Duration::from_millis(2500);

/// Queued per running hash: the last one would wait for about the timeout.
const QUEUE_PER_PERMIT_LIMIT: usize = 100;

/// Normal form that is checked and hashed (as in `OpaqueString` of RFC 8265): ASCII spaces, NFC.
#[must_use]
pub fn normal_form(password: &str) -> String {
    let is_space = |c: char| c.is_whitespace() && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
    password.chars().map(|c| if is_space(c) { ' ' } else { c }).nfc().collect()
}

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    hasher: Argon2<'static>,
    permits: Arc<Semaphore>,
    /// Number of queued hashes.
    queued: Arc<AtomicUsize>,
    queue_limit: usize,
    /// Hash of a random password, for constant time without an account.
    dummy_hash: Arc<str>,
}

impl Passwords {
    /// Hashes at this cost, on at most half of the machine's cores at once.
    ///
    /// # Errors
    /// When Argon2 refuses the cost.
    pub fn new(cost: Params) -> AppResult<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let at_once = (cores / 2).max(1);
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);
        let dummy_hash = hash_blocking(&hasher, &random_bytes::<24>())?;
        Ok(Self {
            hasher,
            permits: Arc::new(Semaphore::new(at_once)),
            queued: Arc::default(),
            queue_limit: at_once * QUEUE_PER_PERMIT_LIMIT,
            dummy_hash: dummy_hash.into(),
        })
    }

    /// The hash of a new password, in PHC form.
    ///
    /// # Errors
    /// Overloaded when too many are waiting.
    pub async fn hash(&self, password: String) -> AppResult<String> {
        let permit = self.permit().await?;
        let hasher = self.hasher.clone();
        blocking(permit, move || hash_blocking(&hasher, normal_form(&password).as_bytes())).await?
    }

    /// Whether a password matches a hash; false without a hash, in the same time. Also tries the form as sent, which older
    /// hashes are of.
    ///
    /// # Errors
    /// Overloaded when too many are waiting.
    pub async fn verify(&self, password: String, hash: Option<String>) -> AppResult<bool> {
        let permit = self.permit().await?;
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy_hash.to_string());
        blocking(permit, move || {
            let parsed = PasswordHash::new(&hash).map_err(|error| AppError::internal(error.to_string()))?;
            // At the hash's own cost.
            let fits = |text: &str| Argon2::default().verify_password(text.as_bytes(), &parsed).is_ok();
            let normal = normal_form(&password);
            let matches = fits(&normal) || (normal != password && fits(&password));
            Ok(known && matches)
        })
        .await?
    }

    /// Runs other CPU-bound work on the blocking pool, under a hashing permit.
    ///
    /// # Errors
    /// Overloaded when too many are waiting.
    pub async fn run_with_permit<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> AppResult<T> {
        let permit = self.permit().await?;
        blocking(permit, work).await
    }

    /// Whether the queue has space; checked before any look-up, to shed load early.
    ///
    /// # Errors
    /// Overloaded when too many are waiting.
    pub fn check_queue(&self) -> AppResult<()> {
        if self.queued.load(Ordering::Relaxed) >= self.queue_limit { Err(AppError::overloaded()) } else { Ok(()) }
    }

    async fn permit(&self) -> AppResult<OwnedSemaphorePermit> {
        self.check_queue()?;
        let _queued = QueuedGuard::new(&self.queued);
        tokio::time::timeout(PERMIT_TIMEOUT, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| AppError::overloaded())?
            .map_err(AppError::internal)
    }
}

/// Counts a queued hash while it lives.
struct QueuedGuard<'a>(&'a AtomicUsize);

impl<'a> QueuedGuard<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for QueuedGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn hash_blocking(hasher: &Argon2<'_>, password: &[u8]) -> AppResult<String> {
    hasher.hash_password(password).map(|hash| hash.to_string()).map_err(|error| AppError::internal(error.to_string()))
}

async fn blocking<T: Send + 'static>(
    permit: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> AppResult<T> {
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    })
    .await
    .map_err(AppError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let passwords = Passwords::new(Params::DEFAULT).unwrap();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("wrong horse".into(), Some(hash)).await.unwrap());
        assert!(!passwords.verify("correct horse".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn spellings_of_a_password_are_one() {
        let passwords = Passwords::new(Params::DEFAULT).unwrap();
        let hash = passwords.hash("cafe\u{301}\u{a0}noir".into()).await.unwrap();
        assert!(passwords.verify("caf\u{e9} noir".into(), Some(hash)).await.unwrap());
        let older = hash_blocking(&passwords.hasher, "cafe\u{301} noir".as_bytes()).unwrap();
        assert!(passwords.verify("cafe\u{301} noir".into(), Some(older)).await.unwrap());
    }

    #[tokio::test]
    async fn only_so_many_wait() {
        let passwords = Passwords { queue_limit: 2, ..Passwords::new(Params::DEFAULT).unwrap() };
        let permits = u32::try_from(passwords.permits.available_permits()).unwrap();
        let all = Arc::clone(&passwords.permits).acquire_many_owned(permits).await.unwrap();
        let (one, two) = (passwords.hash("a password".into()), passwords.hash("a password".into()));
        let third = async {
            while passwords.check_queue().is_ok() {
                tokio::task::yield_now().await;
            }
            let refused = passwords.hash("a password".into()).await;
            drop(all);
            refused
        };
        let (one, two, third) = tokio::join!(one, two, third);
        assert!(one.is_ok() && two.is_ok() && third.is_err());
        assert!(passwords.check_queue().is_ok());
    }
}
