//! Mutations that take effect once, however often they are sent: by a key of the client's.
//!
//! - A key is somebody's and an operation's: others' keys and other mutations' are other keys.
//! - It is looked up before every other check but who asks ([`earlier`]), and claimed in the transaction that makes the
//!   change ([`claim`], [`complete`]), after the account is held and before anything else is. Whoever sends it at the same
//!   time waits there for the first, and gets its answer.
//! - Only what was done is kept: a failure takes the claim back with everything else.
//! - What is kept is the id of what was made or changed; the answer is read anew. Other arguments with the same key are
//!   refused. Keys are forgotten after two days.

mod store;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::db::{Database, Lease};
use crate::error::{AppError, AppResult, UserError, UserErrorCode};
use crate::ids::UserId;
use crate::text::check_length;

/// How long a key is known.
const LIFETIME: TimeDelta = TimeDelta::hours(48);

const LONGEST_KEY: usize = 200;

const PATH: &str = "idempotencyKey";

/// A key, with what it was sent along with.
#[derive(Clone, Debug)]
pub struct Key {
    user: UserId,
    operation: &'static str,
    text: String,
    input_hash: Vec<u8>,
}

impl Key {
    /// The key of a mutation of a user's, if there is one; `input` is all else that it was given.
    ///
    /// # Errors
    /// `INVALID_INPUT` for an empty key or control characters, `TOO_LONG` for one of over 200 characters.
    pub fn new(
        user: UserId,
        operation: &'static str,
        key: Option<String>,
        input: &impl Serialize,
    ) -> AppResult<Option<Self>> {
        let Some(key) = key else { return Ok(None) };
        if key.is_empty() || key.chars().any(char::is_control) {
            let message = "A key is not empty, and has no control characters.";
            return Err(UserError::new(UserErrorCode::InvalidInput, message, PATH).into());
        }
        if check_length(&key, LONGEST_KEY).is_err() {
            let message = format!("A key has at most {LONGEST_KEY} characters.");
            return Err(UserError::new(UserErrorCode::TooLong, message, PATH).into());
        }
        let input = serde_json::to_vec(input).map_err(AppError::internal)?;
        Ok(Some(Self { user, operation, text: key, input_hash: Sha256::digest(input).to_vec() }))
    }

    fn result(&self, kept: store::Kept) -> AppResult<i64> {
        let (input_hash, result) = kept;
        if input_hash != self.input_hash {
            let message = "This key was used before with other arguments.";
            return Err(UserError::new(UserErrorCode::IdempotencyMismatch, message, PATH).into());
        }
        result.ok_or_else(|| AppError::internal("a key was kept without what came of it"))
    }
}

/// What came of an earlier mutation with this key.
///
/// # Errors
/// `IDEMPOTENCY_MISMATCH` when it had other arguments.
pub async fn earlier(lease: &Lease, key: Option<&Key>) -> AppResult<Option<i64>> {
    let Some(key) = key else { return Ok(None) };
    let kept = store::find(&*lease.read().await?, key.user, key.operation, &key.text).await?;
    kept.map(|kept| key.result(kept)).transpose()
}

/// Claims a key within the caller's transaction, or says what came of whoever was first.
///
/// # Errors
/// `IDEMPOTENCY_MISMATCH` when that had other arguments.
pub async fn claim(conn: &AsyncPgConnection, key: Option<&Key>, now: DateTime<Utc>) -> AppResult<Option<i64>> {
    let Some(key) = key else { return Ok(None) };
    let row = (key.user, key.operation, key.text.as_str(), key.input_hash.as_slice());
    if store::insert(conn, row, now).await? {
        return Ok(None);
    }
    let kept = store::find(conn, key.user, key.operation, &key.text).await?;
    // Gone only when it was swept just now.
    kept.map_or_else(|| Err(AppError::overloaded()), |kept| key.result(kept)).map(Some)
}

/// Keeps what came of the mutation that claimed a key.
///
/// # Errors
/// When the database fails.
pub async fn complete(conn: &AsyncPgConnection, key: Option<&Key>, result: i64) -> AppResult<()> {
    if let Some(key) = key {
        store::update_result(conn, key.user, key.operation, &key.text, result).await?;
    }
    Ok(())
}

/// Forgets the keys of somebody who leaves, within the caller's transaction.
///
/// # Errors
/// When the database fails.
pub async fn forget(conn: &AsyncPgConnection, user: UserId) -> AppResult<()> {
    store::delete_of(conn, user).await?;
    Ok(())
}

/// Forgets keys that are over.
///
/// # Errors
/// When the database fails.
pub async fn delete_expired(database: &Database, now: DateTime<Utc>) -> AppResult<usize> {
    Ok(store::delete_before(&*database.get().await?, now - LIFETIME).await?)
}
