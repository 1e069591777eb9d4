//! Access tokens: HS256, 15 minutes with 10 % jitter, which spreads refreshes.

use chrono::{DateTime, TimeDelta, Utc};
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

/// Issues and verifies access tokens.
pub struct AccessTokens(Keys);

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
        Self(keys)
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
        Ok((self.0.sign(AUDIENCE, &claims)?, DateTime::from_timestamp(claims.exp, 0).unwrap_or(expires_at)))
    }

    /// The viewer of a token.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] or [`TokenError::Expired`].
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Viewer, TokenError> {
        let claims: AccessTokenClaims = self.0.read(token, AUDIENCE).ok_or(TokenError::Invalid)?;
        if claims.exp <= now.timestamp() {
            return Err(TokenError::Expired);
        }
        Viewer::of_claims(&claims.sub, &claims.sid, claims.exp).ok_or(TokenError::Invalid)
    }
}
