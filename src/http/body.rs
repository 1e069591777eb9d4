//! Reading request bodies, bounded in size and time.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::{BodyDataStream, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use futures_util::StreamExt;
use serde::de::IgnoredAny;
use tokio::time::{Instant, timeout};

use super::shared_limit::{SharedLimit, SharedPermit};
use crate::auth::Requester;
use crate::error::{AppError, AppResult, ErrorCode};
use crate::graphql::document::GraphqlRequest;

/// Timeout of a whole body.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(25);

/// Bytes of a body that are read without a [`BodyBudget`] permit.
const UNRESERVED_BYTES: usize = 8 << 10;

/// Error message for members of the wrong type.
pub const PARAMS_SHAPE: &str =
    "`query`, `operationName` and `documentId` have to be texts, `variables` and `extensions` objects.";

/// Minimum transfer rate of a file, and the longest stall.
const MIN_BYTES_PER_SECOND: u64 = 32 << 10;
const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The rest of a rejected body is read and discarded up to these limits, so that the client reads the response.
const DISCARD_BYTES_LIMIT: usize = 64 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// Error for a size over `most` bytes.
pub fn too_large(what: &str, most: usize) -> AppError {
    AppError::Request(ErrorCode::PayloadTooLarge, format!("{what} is over {} KiB.", most >> 10))
}

/// Runs a read with [`BODY_TIMEOUT`].
pub async fn in_time<T>(read: impl Future<Output = AppResult<T>>) -> AppResult<T> {
    timeout(BODY_TIMEOUT, read).await.unwrap_or_else(|_| Err(too_slow()))
}

/// Error for a timeout.
pub fn too_slow() -> AppError {
    AppError::Request(ErrorCode::RequestTimeout, "The body took too long to arrive.".into())
}

/// Enforces the minimum transfer rate of a client that holds an upload slot.
pub struct TransferRate {
    since: Instant,
    grace: Duration,
    bytes: u64,
}

impl TransferRate {
    /// Starts measuring; the rate is enforced after the grace period.
    pub fn start(grace: Duration) -> Self {
        Self { since: Instant::now(), grace, bytes: 0 }
    }

    /// Waits for the next chunk, with the stall timeout.
    pub async fn wait<T>(&self, next: impl Future<Output = T>) -> AppResult<T> {
        timeout(STALL_TIMEOUT, next).await.map_err(|_| too_slow())
    }

    /// Counts a chunk.
    ///
    /// # Errors
    /// A timeout below the minimum rate.
    pub fn count(&mut self, bytes: usize) -> AppResult<()> {
        self.bytes += bytes as u64;
        let waited = self.since.elapsed();
        let is_slow = waited > self.grace && self.bytes / waited.as_secs().max(1) < MIN_BYTES_PER_SECOND;
        if is_slow { Err(too_slow()) } else { Ok(()) }
    }
}

/// Checks `Content-Length` before reading.
///
/// # Errors
/// `PAYLOAD_TOO_LARGE`.
pub fn check_length(headers: &HeaderMap, most: usize) -> AppResult<()> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > most as u64) { Err(too_large("The body", most)) } else { Ok(()) }
}

/// Reads a JSON body.
///
/// # Errors
/// When it is too large, too slow, truncated, or not a GraphQL request.
pub async fn json(
    headers: &HeaderMap,
    body: &mut BodyDataStream,
    most: usize,
    budget: BodyBudget<'_>,
) -> AppResult<GraphqlRequest> {
    check_length(headers, most)?;
    let bytes = in_time(collect(body, most, budget)).await?;
    parse(&bytes)
}

/// Memory budget of bodies. The first [`UNRESERVED_BYTES`] of a body need no permit, as connections bound them: clients that
/// take all permits with large, slow bodies do not block ordinary requests.
pub struct BodyBudget<'a> {
    all: &'a SharedLimit,
    ip: Option<IpAddr>,
    is_local: bool,
    bytes: usize,
    share: Option<SharedPermit>,
}

impl<'a> BodyBudget<'a> {
    /// The budget of a requester's body.
    pub fn of(all: &'a SharedLimit, requester: &Requester) -> Self {
        Self { all, ip: requester.ip, is_local: requester.is_local, bytes: 0, share: None }
    }

    /// Counts bytes; takes a permit when needed.
    ///
    /// # Errors
    /// Overloaded without a permit.
    pub fn count(&mut self, bytes: usize) -> AppResult<()> {
        self.bytes += bytes;
        if self.bytes > UNRESERVED_BYTES && self.share.is_none() {
            self.share = Some(self.all.try_acquire(self.ip, self.is_local).map_err(|_| AppError::overloaded())?);
        }
        Ok(())
    }
}

/// Reads and discards the rest. Closing while the client still sends would reset the connection and lose the response.
pub async fn discard(body: &mut BodyDataStream) {
    let read = async {
        let mut left = DISCARD_BYTES_LIMIT;
        while let Some(Ok(chunk)) = body.next().await {
            let Some(rest) = left.checked_sub(chunk.len()) else { return };
            left = rest;
        }
    };
    let _ = timeout(DISCARD_TIMEOUT, read).await;
}

async fn collect(body: &mut BodyDataStream, most: usize, mut budget: BodyBudget<'_>) -> AppResult<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk: Bytes = chunk.map_err(|_| AppError::bad_input("The body was cut off."))?;
        budget.count(chunk.len())?;
        if bytes.len() + chunk.len() > most {
            return Err(too_large("The body", most));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Parses a JSON GraphQL request.
pub fn parse(bytes: &[u8]) -> AppResult<GraphqlRequest> {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => return Err(AppError::bad_input("Batches are not taken: send one operation a request.")),
        // Serde would accept a list for a struct.
        Some(b'{') => {}
        _ => return Err(AppError::bad_input("The body has to be a JSON object with `query`.")),
    }
    serde_json::from_slice(bytes).map_err(|error| {
        unreadable(&error, bytes).unwrap_or_else(|| {
            AppError::bad_input(if error.is_data() { PARAMS_SHAPE } else { "The body is no valid JSON." })
        })
    })
}

/// The error for JSON that is well-formed but not representable, as some clients write it.
pub fn unreadable(error: &serde_json::Error, bytes: &[u8]) -> Option<AppError> {
    let is_whole = error.is_syntax() && serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    is_whole.then(|| {
        AppError::bad_input(
            "The JSON holds half of a surrogate pair (such as \"\\ud83d\" alone), a number out of range, \
             or more than 127 levels.",
        )
    })
}
