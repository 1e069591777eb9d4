//! Reading what a client sends, never more than allowed and never for longer.

use std::time::Duration;

use axum::body::{BodyDataStream, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::error::{AppError, AppResult, ErrorCode};
use crate::graphql::document::Asked;

/// A body arrives within this time.
const PATIENCE: Duration = Duration::from_secs(25);

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
    timeout(PATIENCE, read).await.unwrap_or_else(|_| {
        Err(AppError::Request(ErrorCode::RequestTimeout, "The body took too long to arrive.".into()))
    })
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
pub async fn json(headers: &HeaderMap, body: &mut BodyDataStream, most: usize) -> AppResult<Asked> {
    check_length(headers, most)?;
    let bytes = in_time(collect(body, most)).await?;
    parse(&bytes)
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

async fn collect(body: &mut BodyDataStream, most: usize) -> AppResult<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk: Bytes = chunk.map_err(|_| AppError::bad_input("The body was cut off."))?;
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
        AppError::bad_input(if error.is_data() {
            "`query`, `operationName` and `documentId` have to be texts, `variables` and `extensions` objects."
        } else {
            "The body is no valid JSON."
        })
    })
}
