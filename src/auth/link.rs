//! Token of a mailed link that verifies an e-mail address of an account.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::keys::Keys;
use crate::error::AppResult;
use crate::ids::UserId;

const AUDIENCE: &str = "plaza verify-email";

/// Lifetime of a link.
pub const LINK_LIFETIME: TimeDelta = TimeDelta::hours(24);

#[derive(Clone, Serialize, Deserialize)]
struct LinkClaims {
    sub: String,
    email: String,
    exp: i64,
}

/// A token for the link.
///
/// # Errors
/// When signing fails.
pub fn issue(keys: &Keys, user: UserId, email: &str, now: DateTime<Utc>) -> AppResult<String> {
    keys.sign(
        AUDIENCE,
        &LinkClaims { sub: user.0.to_string(), email: email.into(), exp: (now + LINK_LIFETIME).timestamp() },
    )
}

/// Result of reading a link's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerificationLink {
    /// Account and verified address.
    Valid(UserId, String),
    /// Expired.
    Expired,
    /// Forged or malformed.
    Invalid,
}

/// Reads a link's token.
#[must_use]
pub fn read(keys: &Keys, token: &str, now: DateTime<Utc>) -> VerificationLink {
    let Some(claims) = keys.read::<LinkClaims>(token, AUDIENCE) else { return VerificationLink::Invalid };
    match claims.sub.parse() {
        Err(_) => VerificationLink::Invalid,
        Ok(_) if claims.exp <= now.timestamp() => VerificationLink::Expired,
        Ok(user) => VerificationLink::Valid(UserId(user), claims.email),
    }
}
