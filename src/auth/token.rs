//! Access tokens: HS256, 15 minutes with 10 % jitter, which spreads refreshes.

use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use super::keys::Keys;
use super::{TokenError, Viewer};
use crate::clock::random_bytes;
use crate::error::AppResult;
use crate::ids::{SessionId, UserId};

const AUDIENCE: &str = "plaza";
const LIFETIME_SECONDS: i64 = 15 * 60;
const SPREAD_SECONDS: i64 = LIFETIME_SECONDS / 10;

/// Longest lifetime of an access token.
pub const LIFETIME_LIMIT: TimeDelta = TimeDelta::seconds(LIFETIME_SECONDS + SPREAD_SECONDS);

/// Tokens whose signature is remembered.
const REMEMBERED: usize = 16_384;

/// Issues and verifies access tokens.
pub struct AccessTokens {
    keys: Keys,
    /// Tokens that were signed by a key; whether they have expired, or their session ended, is looked at each time.
    signed: Cache<Box<str>, Viewer>,
}

#[derive(Clone, Serialize, Deserialize)]
struct AccessTokenClaims {
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
}

impl AccessTokens {
    /// Signs and verifies with these keys.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self { keys, signed: Cache::new(REMEMBERED) }
    }

    /// A new token for a session, with its expiry.
    ///
    /// # Errors
    /// When signing fails.
    pub fn issue(
        &self,
        user_id: UserId,
        session_id: SessionId,
        now: DateTime<Utc>,
    ) -> AppResult<(String, DateTime<Utc>)> {
        let spread = i64::from(u16::from_be_bytes(random_bytes())) % (2 * SPREAD_SECONDS + 1) - SPREAD_SECONDS;
        self.issue_for(user_id, session_id, now, TimeDelta::seconds(LIFETIME_SECONDS + spread))
    }

    /// A new token with a given lifetime, for operators.
    ///
    /// # Errors
    /// When signing fails.
    pub fn issue_for(
        &self,
        user_id: UserId,
        session_id: SessionId,
        now: DateTime<Utc>,
        lifetime: TimeDelta,
    ) -> AppResult<(String, DateTime<Utc>)> {
        let expires_at = now + lifetime;
        let claims = AccessTokenClaims {
            sub: user_id.0.to_string(),
            sid: session_id.0.to_string(),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
        };
        Ok((self.keys.sign(AUDIENCE, &claims)?, DateTime::from_timestamp(claims.exp, 0).unwrap_or(expires_at)))
    }

    /// The viewer of a token.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] or [`TokenError::Expired`].
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Viewer, TokenError> {
        let viewer = match self.signed.get(token) {
            Some(viewer) => viewer,
            None => self.read(token).ok_or(TokenError::Invalid)?,
        };
        if viewer.expires_at <= now {
            return Err(TokenError::Expired);
        }
        Ok(viewer)
    }

    fn read(&self, token: &str) -> Option<Viewer> {
        let claims: AccessTokenClaims = self.keys.read(token, AUDIENCE)?;
        let viewer = Viewer::of_claims(&claims.sub, &claims.sid, claims.exp)?;
        self.signed.insert(token.into(), viewer);
        Some(viewer)
    }
}
