//! Reading what a client sends, never more than allowed and never for longer.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::{BodyDataStream, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use futures_util::StreamExt;
use serde::de::IgnoredAny;
use tokio::time::{Instant, timeout};

use super::shares::{Share, Shares};
use crate::auth::Requester;
use crate::error::{AppError, AppResult, ErrorCode};
use crate::graphql::document::Asked;

/// A body arrives within this time.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(25);

/// Bytes of a body that are read without asking for room.
const SMALL: usize = 8 << 10;

/// What the members of a request have to be.
pub const SHAPE: &str =
    "`query`, `operationName` and `documentId` have to be texts, `variables` and `extensions` objects.";

/// A file comes at this rate at the least, in bytes a second, and never stands still for so long.
const SLOWEST_RATE: u64 = 32 << 10;
const STANDSTILL: Duration = Duration::from_secs(10);

/// What is left of a refused body is read and thrown away, so that its sender gets to the answer: so much, for so long.
const DISCARDED: usize = 64 << 20;
const DISCARDING: Duration = Duration::from_secs(2);

/// Something over a limit of so many bytes.
pub fn too_large(what: &str, most: usize) -> AppError {
    AppError::Request(ErrorCode::PayloadTooLarge, format!("{what} is over {} KiB.", most >> 10))
}

/// Reads within the time that a body may take.
///
/// # Errors
/// A timeout, or what the reading said.
pub async fn in_time<T>(read: impl Future<Output = AppResult<T>>) -> AppResult<T> {
    timeout(BODY_TIMEOUT, read).await.unwrap_or_else(|_| Err(too_slow()))
}

/// Something that did not come in time.
pub fn too_slow() -> AppError {
    AppError::Request(ErrorCode::RequestTimeout, "The body took too long to arrive.".into())
}

/// The least rate of a file's bytes: a client that holds a place has to keep sending.
pub struct Pace {
    since: Instant,
    grace: Duration,
    bytes: u64,
}

impl Pace {
    /// From now on it counts; the rate is asked for once the grace is over.
    pub fn start(grace: Duration) -> Self {
        Self { since: Instant::now(), grace, bytes: 0 }
    }

    /// Waits for the next piece, unless it is too long in coming.
    ///
    /// # Errors
    /// A timeout.
    pub async fn wait<T>(&self, piece: impl Future<Output = T>) -> AppResult<T> {
        timeout(STANDSTILL, piece).await.map_err(|_| too_slow())
    }

    /// Counts a piece.
    ///
    /// # Errors
    /// A timeout when all came too slowly so far.
    pub fn count(&mut self, bytes: usize) -> AppResult<()> {
        self.bytes += bytes as u64;
        let waited = self.since.elapsed();
        let is_slow = waited > self.grace && self.bytes / waited.as_secs().max(1) < SLOWEST_RATE;
        if is_slow { Err(too_slow()) } else { Ok(()) }
    }
}

/// Refuses a body that says itself that it is too large, before any of it is read.
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
/// When it is too large, too slow, cut off, or no GraphQL request.
pub async fn json(headers: &HeaderMap, body: &mut BodyDataStream, most: usize, room: Room<'_>) -> AppResult<Asked> {
    check_length(headers, most)?;
    let bytes = in_time(collect(body, most, room)).await?;
    parse(&bytes)
}

/// Room for what is read into memory. The first [`SMALL`] bytes of a request need none: the number of connections bounds
/// them, so clients that hold all room with large, slow bodies don't stop usual requests.
pub struct Room<'a> {
    all: &'a Shares,
    ip: Option<IpAddr>,
    is_local: bool,
    bytes: usize,
    share: Option<Share>,
}

impl<'a> Room<'a> {
    /// Room for the body of a requester.
    pub fn of(all: &'a Shares, requester: &Requester) -> Self {
        Self { all, ip: requester.ip, is_local: requester.is_local, bytes: 0, share: None }
    }

    /// Makes room for a piece.
    ///
    /// # Errors
    /// Overloaded when there is none.
    pub fn count(&mut self, bytes: usize) -> AppResult<()> {
        self.bytes += bytes;
        if self.bytes > SMALL && self.share.is_none() {
            self.share = Some(self.all.take(self.ip, self.is_local).map_err(|_| AppError::overloaded())?);
        }
        Ok(())
    }
}

/// Reads on without keeping anything. Whoever closes a connection on somebody who still sends takes the answer back.
pub async fn discard(body: &mut BodyDataStream) {
    let read = async {
        let mut left = DISCARDED;
        while let Some(Ok(chunk)) = body.next().await {
            let Some(rest) = left.checked_sub(chunk.len()) else { return };
            left = rest;
        }
    };
    let _ = timeout(DISCARDING, read).await;
}

async fn collect(body: &mut BodyDataStream, most: usize, mut room: Room<'_>) -> AppResult<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk: Bytes = chunk.map_err(|_| AppError::bad_input("The body was cut off."))?;
        room.count(chunk.len())?;
        if bytes.len() + chunk.len() > most {
            return Err(too_large("The body", most));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Reads a GraphQL request of JSON.
///
/// # Errors
/// Bad input when it is none.
pub fn parse(bytes: &[u8]) -> AppResult<Asked> {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => return Err(AppError::bad_input("Batches are not taken: send one operation a request.")),
        // Serde would take a list for a struct, and says a bare word's error better than we do.
        Some(b'{') => {}
        _ => return Err(AppError::bad_input("The body has to be a JSON object with `query`.")),
    }
    serde_json::from_slice(bytes).map_err(|error| {
        unreadable(&error, bytes)
            .unwrap_or_else(|| AppError::bad_input(if error.is_data() { SHAPE } else { "The body is no valid JSON." }))
    })
}

/// Refuses JSON that is whole but holds what no value can: what a client's own writer let through.
pub fn unreadable(error: &serde_json::Error, bytes: &[u8]) -> Option<AppError> {
    let is_whole = error.is_syntax() && serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    is_whole.then(|| {
        AppError::bad_input(
            "The JSON holds half of a surrogate pair (such as \"\\ud83d\" alone), a number out of range, \
             or more than 127 levels.",
        )
    })
}
