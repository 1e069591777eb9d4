//! Authentication: access tokens, refresh tokens, passwords, codes, captchas, revoked sessions.
//!
//! An access token is verified in memory, without SQL: signature, lifetime, and the set of recently revoked sessions, which
//! every instance maintains from the event stream.

pub mod captcha;
pub mod code;
mod hs256;
pub mod keys;
pub mod link;
pub mod password;
pub mod password_blocklist;
pub mod refresh;
pub mod revoked;
pub mod secret;
pub mod stream_ticket;
pub mod token;

use std::net::IpAddr;

use chrono::{DateTime, Utc};

pub use crate::domains::accounts::model::SessionEnd;

use crate::error::{AppError, AppResult, ErrorCode};
use crate::ids::{SessionId, UserId};
use crate::telemetry::TraceId;

/// The signed-in user of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The account.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// Expiry of the access token, and of sockets opened with it.
    pub expires_at: DateTime<Utc>,
}

impl Viewer {
    /// From claims: decimal ids, expiry in seconds.
    fn of_claims(user: &str, session: &str, expires_at: i64) -> Option<Self> {
        Some(Self {
            user_id: UserId(user.parse().ok()?),
            session_id: SessionId(session.parse().ok()?),
            expires_at: DateTime::from_timestamp(expires_at, 0)?,
        })
    }
}

/// Why an access token is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Forged or malformed.
    #[error("The access token is not valid.")]
    Invalid,
    /// Expired.
    #[error("The access token has expired; use refreshSession.")]
    Expired,
    /// The session ended.
    #[error("This session was ended; sign in again.")]
    Ended(SessionEnd),
}

impl TokenError {
    /// The code in `extensions.authentication` of an answer.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "TOKEN_INVALID",
            Self::Expired => "TOKEN_EXPIRED",
            Self::Ended(_) => "SESSION_ENDED",
        }
    }
}

impl From<TokenError> for AppError {
    fn from(error: TokenError) -> Self {
        Self::Request(ErrorCode::Unauthenticated, error.to_string())
    }
}

/// Who sends a request, and from where; one per HTTP request, one per socket.
#[derive(Clone, Debug)]
pub struct Requester {
    /// None without a valid token.
    pub viewer: Option<Viewer>,
    /// Why the token is rejected; the request runs without a viewer, and the response reports it.
    pub token_error: Option<TokenError>,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// A local program: exempt from limits left at their defaults.
    pub is_local: bool,
    /// Trace id of the request.
    pub trace: TraceId,
}

impl Requester {
    /// Without a token, local.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { viewer: None, token_error: None, ip: None, is_local: true, trace: TraceId::generate() }
    }

    /// The signed-in user; none when no token was sent.
    ///
    /// # Errors
    /// Unauthenticated when the token is refused.
    pub fn find_viewer(&self) -> AppResult<Option<Viewer>> {
        match self.token_error {
            Some(error) => Err(error.into()),
            None => Ok(self.viewer),
        }
    }

    /// The signed-in user.
    ///
    /// # Errors
    /// Unauthenticated when no token was sent, or the token is refused; the message says which.
    pub fn require_viewer(&self) -> AppResult<Viewer> {
        self.find_viewer()?.ok_or_else(AppError::unauthenticated)
    }
}
