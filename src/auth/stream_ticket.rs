//! The ticket that opens an event stream where no header can be sent, as with a browser's `EventSource`.
//!
//! It stands in a URL, which proxies write into their logs, so it opens streams for a minute only. A stream that it
//! opened lives as long as one opened by the access token that asked for the ticket, and ends with its session.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::keys::Keys;
use super::{TokenError, Viewer};
use crate::error::AppResult;

const AUDIENCE: &str = "plaza stream";

/// How long a ticket opens streams.
pub const LIFETIME: TimeDelta = TimeDelta::seconds(60);

#[derive(Clone, Serialize, Deserialize)]
struct Claims {
    sub: String,
    sid: String,
    /// Until when it opens streams.
    exp: i64,
    /// When a stream that it opened ends.
    end: i64,
}

/// A ticket for the viewer, and until when it opens streams.
///
/// # Errors
/// When signing fails.
pub fn issue(keys: &Keys, viewer: Viewer, now: DateTime<Utc>) -> AppResult<(String, DateTime<Utc>)> {
    let expires_at = (now + LIFETIME).min(viewer.expires_at);
    let ticket = keys.sign(
        AUDIENCE,
        &Claims {
            sub: viewer.user_id.0.to_string(),
            sid: viewer.session_id.0.to_string(),
            exp: expires_at.timestamp(),
            end: viewer.expires_at.timestamp(),
        },
    )?;
    Ok((ticket, expires_at))
}

/// The viewer of a stream that a ticket opens. Whether the session has ended is for the caller to ask.
///
/// # Errors
/// [`TokenError::Invalid`] or [`TokenError::Expired`].
pub fn verify(keys: &Keys, ticket: &str, now: DateTime<Utc>) -> Result<Viewer, TokenError> {
    let claims: Claims = keys.read(ticket, AUDIENCE).ok_or(TokenError::Invalid)?;
    if claims.exp <= now.timestamp() {
        return Err(TokenError::Expired);
    }
    Viewer::of_claims(&claims.sub, &claims.sid, claims.end).ok_or(TokenError::Invalid)
}
