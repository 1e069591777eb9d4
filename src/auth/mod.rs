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

impl From<TokenError> for AppError {
    fn from(error: TokenError) -> Self {
        Self::Request(ErrorCode::Unauthenticated, error.to_string())
    }
}

/// Who asks and from where; one per HTTP request, one per socket.
#[derive(Clone, Debug)]
pub struct Requester {
    /// Nobody when no token was sent.
    pub viewer: Option<Viewer>,
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
        Self { viewer: None, ip: None, is_local: true, trace: TraceId::generate() }
    }

    /// The signed-in user.
    ///
    /// # Errors
    /// Unauthenticated when no token was sent.
    pub fn require_viewer(&self) -> AppResult<Viewer> {
        self.viewer.ok_or_else(AppError::unauthenticated)
    }
}
