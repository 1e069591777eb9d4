//! Idempotency keys of mutations.
//!
//! - A key is scoped to user and operation.
//! - It is looked up right after authentication ([`find_replayed`]), and claimed in the transaction of the change ([`claim`],
//!   [`complete`]), after the account is locked and before anything else. A concurrent duplicate waits there for the first,
//!   and gets its result.
//! - Only successes are stored: a failure rolls the claim back.
//! - The stored result is the id of the created or changed row; the response is read anew. Other arguments with the same
//!   key are rejected. Keys expire after two days.

mod store;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::db::{Database, Lease};
use crate::error::{AppError, AppResult, UserError, UserErrorCode};
use crate::ids::UserId;
use crate::text::check_length;

/// Lifetime of a key.
const KEY_LIFETIME: TimeDelta = TimeDelta::hours(48);

const KEY_LENGTH_LIMIT: usize = 200;

const KEY_PATH: &str = "idempotencyKey";

/// A key with the hash of the arguments.
#[derive(Clone, Debug)]
pub struct Key {
    user: UserId,
    operation: &'static str,
    text: String,
    input_hash: Vec<u8>,
}

impl Key {
    /// The key of a user's mutation, if given; `input` is all other arguments.
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
            return Err(UserError::new(UserErrorCode::InvalidInput, message, KEY_PATH).into());
        }
        if check_length(&key, KEY_LENGTH_LIMIT).is_err() {
            let message = format!("A key has at most {KEY_LENGTH_LIMIT} characters.");
            return Err(UserError::new(UserErrorCode::TooLong, message, KEY_PATH).into());
        }
        let input = serde_json::to_vec(input).map_err(AppError::internal)?;
        Ok(Some(Self { user, operation, text: key, input_hash: Sha256::digest(input).to_vec() }))
    }

    fn result(&self, stored: store::StoredResult) -> AppResult<i64> {
        let (input_hash, result) = stored;
        if input_hash != self.input_hash {
            let message = "This key was used before with other arguments.";
            return Err(UserError::new(UserErrorCode::IdempotencyMismatch, message, KEY_PATH).into());
        }
        result.ok_or_else(|| AppError::internal("a key was kept without what came of it"))
    }
}

/// The response of an earlier mutation with this key, which `reload` reads anew by the id of its result; none without one.
///
/// # Errors
/// `IDEMPOTENCY_MISMATCH` when it had other arguments; those of `reload`.
pub async fn find_replayed<T, F>(
    lease: &Lease,
    key: Option<&Key>,
    reload: impl FnOnce(i64) -> F,
) -> AppResult<Option<T>>
where
    F: Future<Output = AppResult<T>>,
{
    let Some(key) = key else { return Ok(None) };
    let stored = store::find(&*lease.read().await?, key.user, key.operation, &key.text).await?;
    match stored {
        Some(stored) => reload(key.result(stored)?).await.map(Some),
        None => Ok(None),
    }
}

/// Claims a key within the caller's transaction; returns the result if it was used before.
///
/// # Errors
/// `IDEMPOTENCY_MISMATCH` when that had other arguments.
pub async fn claim(conn: &AsyncPgConnection, key: Option<&Key>, now: DateTime<Utc>) -> AppResult<Option<i64>> {
    let Some(key) = key else { return Ok(None) };
    let row = store::NewKey {
        user_id: key.user,
        operation: key.operation,
        key: &key.text,
        input_hash: &key.input_hash,
        created_at: now,
    };
    if store::insert(conn, &row).await? {
        return Ok(None);
    }
    let stored = store::find(conn, key.user, key.operation, &key.text).await?;
    // Missing only if it expired just now.
    stored.map_or_else(|| Err(AppError::overloaded()), |stored| key.result(stored)).map(Some)
}

/// Stores the result of a claimed key.
pub async fn complete(conn: &AsyncPgConnection, key: Option<&Key>, result: i64) -> AppResult<()> {
    if let Some(key) = key {
        store::update_result(conn, key.user, key.operation, &key.text, result).await?;
    }
    Ok(())
}

/// Deletes a user's keys, within the caller's transaction.
pub async fn delete_keys_of(conn: &AsyncPgConnection, user: UserId) -> AppResult<()> {
    store::delete_of(conn, user).await?;
    Ok(())
}

/// Deletes expired keys; returns how many.
pub async fn delete_expired(database: &Database, now: DateTime<Utc>) -> AppResult<usize> {
    Ok(store::delete_before(&*database.get().await?, now - KEY_LIFETIME).await?)
}
