//! Access tokens: HS256, fifteen minutes give or take a tenth, so that clients don't all come back at once.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{TokenError, Viewer};
use crate::clock::random_bytes;
use crate::error::{AppError, AppResult};
use crate::ids::{SessionId, UserId};

const ISSUER: &str = "plaza";
const AUDIENCE: &str = "plaza";
const LIFETIME_SECONDS: i64 = 15 * 60;
const SPREAD_SECONDS: i64 = LIFETIME_SECONDS / 10;

/// The longest that an access token can live.
pub const LONGEST_LIFETIME: TimeDelta = TimeDelta::seconds(LIFETIME_SECONDS + SPREAD_SECONDS);

/// Makes and verifies access tokens.
pub struct AccessTokens {
    signing: EncodingKey,
    accepted: Vec<DecodingKey>,
    validation: Validation,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    sid: String,
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
}

impl AccessTokens {
    /// Signs with the first secret and accepts both.
    #[must_use]
    pub fn new(secret: &str, previous: Option<&str>) -> Self {
        // Fails only where one was installed before, which is fine.
        let _ = jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER.install_default();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.leeway = 0;
        // Checked below against our own clock.
        validation.validate_exp = false;
        let accepted = std::iter::once(secret).chain(previous).map(|key| DecodingKey::from_secret(key.as_bytes()));
        Self { signing: EncodingKey::from_secret(secret.as_bytes()), accepted: accepted.collect(), validation }
    }

    /// A new token for a session, with its end.
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

    /// A new token with a lifetime of its own, for operators.
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
        let claims = Claims {
            sub: user_id.0.to_string(),
            sid: session_id.0.to_string(),
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
        };
        let token =
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing).map_err(AppError::internal)?;
        Ok((token, DateTime::from_timestamp(claims.exp, 0).unwrap_or(expires_at)))
    }

    /// Who the token was made for.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] or [`TokenError::Expired`].
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Viewer, TokenError> {
        let claims = self
            .accepted
            .iter()
            .find_map(|key| jsonwebtoken::decode::<Claims>(token, key, &self.validation).ok())
            .map(|data| data.claims)
            .ok_or(TokenError::Invalid)?;
        if claims.exp <= now.timestamp() {
            return Err(TokenError::Expired);
        }
        let viewer = || {
            Some(Viewer {
                user_id: UserId(claims.sub.parse().ok()?),
                session_id: SessionId(claims.sid.parse().ok()?),
                expires_at: DateTime::from_timestamp(claims.exp, 0)?,
            })
        };
        viewer().ok_or(TokenError::Invalid)
    }
}
