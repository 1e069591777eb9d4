//! The token in a mailed link that verifies an address: whose account, which address, for a day.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::keys::Keys;
use crate::error::AppResult;
use crate::ids::UserId;

const AUDIENCE: &str = "plaza verify-email";

/// How long a link is good.
pub const LIFETIME: TimeDelta = TimeDelta::hours(24);

#[derive(Clone, Serialize, Deserialize)]
struct Claims {
    sub: String,
    email: String,
    exp: i64,
}

/// A token for the link.
///
/// # Errors
/// When signing fails.
pub fn issue(keys: &Keys, user: UserId, email: &str, now: DateTime<Utc>) -> AppResult<String> {
    keys.sign(AUDIENCE, &Claims { sub: user.0.to_string(), email: email.into(), exp: (now + LIFETIME).timestamp() })
}

/// What a link's token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// This account's holder reads the mail of this address.
    Good(UserId, String),
    /// It did, until a while ago.
    Expired,
    /// Not ours, or not whole.
    Invalid,
}

/// Reads a link's token.
#[must_use]
pub fn read(keys: &Keys, token: &str, now: DateTime<Utc>) -> Link {
    let Some(claims) = keys.read::<Claims>(token, AUDIENCE) else { return Link::Invalid };
    match claims.sub.parse() {
        Err(_) => Link::Invalid,
        Ok(_) if claims.exp <= now.timestamp() => Link::Expired,
        Ok(user) => Link::Good(UserId(user), claims.email),
    }
}
