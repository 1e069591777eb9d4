//! Passwords: Argon2id (19 MiB, two passes), on the blocking pool, a bounded number at once.
//!
//! Hashing takes tens of milliseconds of one core on purpose. The permit travels into the blocking task, so that a
//! client that hangs up does not let another hash start beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization;

use crate::clock::random_bytes;
use crate::error::{AppError, AppResult};

/// How long a sign-in waits for its turn before it is refused as overloaded.
const PATIENCE: Duration = Duration::from_millis(2500);

/// As many may wait for each that hashes: the last would wait as long as patience goes, so more need not begin to.
const QUEUE: usize = 100;

/// A password as it is judged and hashed, so that every keyboard's spelling of it is the same: spaces are ASCII's, the rest
/// is composed (as in `OpaqueString` of RFC 8265).
#[must_use]
pub fn normal_form(password: &str) -> String {
    let is_space = |c: char| c.is_whitespace() && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
    password.chars().map(|c| if is_space(c) { ' ' } else { c }).nfc().collect()
}

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    /// How many wait now, and how many may.
    waiting: Arc<AtomicUsize>,
    most_waiting: usize,
    /// A hash of a password nobody knows: checking against it takes as long as checking a real one.
    nobody: Arc<str>,
}

impl Passwords {
    /// At most half of the machine's cores hash at once.
    ///
    /// # Errors
    /// When Argon2 refuses its own parameters.
    pub fn new() -> AppResult<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let at_once = (cores / 2).max(1);
        let nobody = hash_now(&random_bytes::<24>())?;
        Ok(Self {
            permits: Arc::new(Semaphore::new(at_once)),
            waiting: Arc::default(),
            most_waiting: at_once * QUEUE,
            nobody: nobody.into(),
        })
    }

    /// The hash of a new password, in PHC form.
    ///
    /// # Errors
    /// Overloaded when too many are waiting.
    pub async fn hash(&self, password: String) -> AppResult<String> {
        let permit = self.permit().await?;
        blocking(permit, move || hash_now(normal_form(&password).as_bytes())).await?
    }

    /// Whether the password belongs to the hash. Without a hash the answer is no, after the same time. A password that is
    /// not in its normal form is tried as it was sent as well: older hashes are of that.
    ///
    /// # Errors
    /// Overloaded when too many are waiting.
    pub async fn verify(&self, password: String, hash: Option<String>) -> AppResult<bool> {
        let permit = self.permit().await?;
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        blocking(permit, move || {
            let parsed = PasswordHash::new(&hash).map_err(|error| AppError::internal(error.to_string()))?;
            let fits = |text: &str| Argon2::default().verify_password(text.as_bytes(), &parsed).is_ok();
            let normal = normal_form(&password);
            let matches = fits(&normal) || (normal != password && fits(&password));
            Ok(known && matches)
        })
        .await?
    }

    /// Other work that takes long, on the blocking pool and among the hashes' bounded number.
    ///
    /// # Errors
    /// Overloaded when too many are waiting.
    pub async fn beside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> AppResult<T> {
        let permit = self.permit().await?;
        blocking(permit, work).await
    }

    /// Whether there is room to wait; asked before anything is looked up, so that a crowd costs the others little.
    ///
    /// # Errors
    /// Overloaded when too many are waiting.
    pub fn check_room(&self) -> AppResult<()> {
        if self.waiting.load(Ordering::Relaxed) >= self.most_waiting { Err(AppError::overloaded()) } else { Ok(()) }
    }

    async fn permit(&self) -> AppResult<OwnedSemaphorePermit> {
        self.check_room()?;
        let _waiting = Waiting::new(&self.waiting);
        tokio::time::timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| AppError::overloaded())?
            .map_err(AppError::internal)
    }
}

/// One who waits, for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn hash_now(password: &[u8]) -> AppResult<String> {
    Argon2::default()
        .hash_password(password)
        .map(|hash| hash.to_string())
        .map_err(|error| AppError::internal(error.to_string()))
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
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("wrong horse".into(), Some(hash)).await.unwrap());
        assert!(!passwords.verify("correct horse".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn spellings_of_a_password_are_one() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("cafe\u{301}\u{a0}noir".into()).await.unwrap();
        assert!(passwords.verify("caf\u{e9} noir".into(), Some(hash)).await.unwrap());
        let older = hash_now("cafe\u{301} noir".as_bytes()).unwrap();
        assert!(passwords.verify("cafe\u{301} noir".into(), Some(older)).await.unwrap());
    }

    #[tokio::test]
    async fn only_so_many_wait() {
        let passwords = Passwords { most_waiting: 2, ..Passwords::new().unwrap() };
        let permits = u32::try_from(passwords.permits.available_permits()).unwrap();
        let all = Arc::clone(&passwords.permits).acquire_many_owned(permits).await.unwrap();
        let (one, two) = (passwords.hash("a password".into()), passwords.hash("a password".into()));
        let third = async {
            while passwords.check_room().is_ok() {
                tokio::task::yield_now().await;
            }
            let refused = passwords.hash("a password".into()).await;
            drop(all);
            refused
        };
        let (one, two, third) = tokio::join!(one, two, third);
        assert!(one.is_ok() && two.is_ok() && third.is_err());
        assert!(passwords.check_room().is_ok());
    }
}
