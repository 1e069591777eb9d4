//! Who is asking: access tokens, refresh tokens, passwords, codes and captchas, and the sessions that were ended.
//!
//! An access token is verified from memory alone: signature, lifetime, and the set of sessions revoked lately, which
//! every instance keeps from the event stream. No statement is spent on it.

pub mod captcha;
pub mod code;
pub mod keys;
pub mod link;
pub mod password;
pub mod refresh;
pub mod revoked;
pub mod secret;
pub mod stream_ticket;
pub mod token;
pub mod weak;

use std::net::IpAddr;

use chrono::{DateTime, Utc};

pub use crate::domains::accounts::model::SessionEnd;

use crate::error::{AppError, AppResult, ErrorCode};
use crate::ids::{SessionId, UserId};
use crate::telemetry::TraceId;

/// The signed-in user of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Whose account.
    pub user_id: UserId,
    /// Which sign-in.
    pub session_id: SessionId,
    /// When the access token ends, and with it a socket opened by it.
    pub expires_at: DateTime<Utc>,
}

impl Viewer {
    /// The viewer that a token's claims name, user and session as decimal numbers, the end in seconds.
    fn of_claims(user: &str, session: &str, expires_at: i64) -> Option<Self> {
        Some(Self {
            user_id: UserId(user.parse().ok()?),
            session_id: SessionId(session.parse().ok()?),
            expires_at: DateTime::from_timestamp(expires_at, 0)?,
        })
    }
}

/// Why an access token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not ours, or not whole.
    #[error("The access token is not valid.")]
    Invalid,
    /// Over.
    #[error("The access token has expired; use refreshSession.")]
    Expired,
    /// Its session was ended, for this reason.
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

/// Who asks and from where; one per HTTP request, one per socket.
#[derive(Clone, Debug)]
pub struct Requester {
    /// None when no token was sent, and when the one that was sent is refused.
    pub viewer: Option<Viewer>,
    /// Why the token that was sent is refused: the request runs without a viewer, and its answer says so.
    pub token_error: Option<TokenError>,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// A program on this machine: spared by the limits that were left at their defaults.
    pub is_local: bool,
    /// Names the request in the log.
    pub trace: TraceId,
}

impl Requester {
    /// Somebody without a token.
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
