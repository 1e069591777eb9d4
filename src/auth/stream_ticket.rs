//! The ticket that opens an event stream where no header can be sent, as with a browser's `EventSource`.
//!
//! URLs end up in proxy logs, so a ticket opens streams for a minute only. The stream itself lives as long as the access
//! token that requested the ticket, and ends with its session.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::keys::Keys;
use super::{TokenError, Viewer};
use crate::error::AppResult;

const AUDIENCE: &str = "plaza stream";

/// Lifetime of a ticket.
pub const TICKET_LIFETIME: TimeDelta = TimeDelta::seconds(60);

#[derive(Clone, Serialize, Deserialize)]
struct StreamTicketClaims {
    sub: String,
    sid: String,
    /// Expiry of the ticket.
    exp: i64,
    /// Expiry of the streams it opens.
    end: i64,
}

/// A signed ticket.
pub struct StreamTicket {
    /// The signed text.
    pub token: String,
    /// Until when it opens streams.
    pub expires_at: DateTime<Utc>,
}

/// A ticket for the viewer.
///
/// # Errors
/// When signing fails.
pub fn issue(keys: &Keys, viewer: Viewer, now: DateTime<Utc>) -> AppResult<StreamTicket> {
    let expires_at = (now + TICKET_LIFETIME).min(viewer.expires_at);
    let token = keys.sign(
        AUDIENCE,
        &StreamTicketClaims {
            sub: viewer.user_id.0.to_string(),
            sid: viewer.session_id.0.to_string(),
            exp: expires_at.timestamp(),
            end: viewer.expires_at.timestamp(),
        },
    )?;
    Ok(StreamTicket { token, expires_at })
}

/// The viewer of a ticket's stream. The caller checks for a revoked session.
///
/// # Errors
/// [`TokenError::Invalid`] or [`TokenError::Expired`].
pub fn verify(keys: &Keys, ticket: &str, now: DateTime<Utc>) -> Result<Viewer, TokenError> {
    let claims: StreamTicketClaims = keys.read(ticket, AUDIENCE).ok_or(TokenError::Invalid)?;
    if claims.exp <= now.timestamp() {
        return Err(TokenError::Expired);
    }
    Viewer::of_claims(&claims.sub, &claims.sid, claims.end).ok_or(TokenError::Invalid)
}
