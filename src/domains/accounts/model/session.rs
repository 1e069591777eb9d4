//! Sign-ins: their rows, and what they give.

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};

use super::User;
use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::ids::{SessionId, UserId};

pg_enum! {
    /// The kind of client that signed in.
    #[derive(Enum)]
    pub enum Platform: sql_types::Platform {
        /// An Android app.
        Android = "ANDROID",
        /// An iPhone or iPad app.
        Ios = "IOS",
        /// A web page inside another app.
        H5 = "H5",
        /// A browser.
        Web = "WEB",
        /// A desktop app.
        Desktop = "DESKTOP",
    }
}

pg_enum! {
    /// Why a session ended before its time.
    pub enum SessionEnd: sql_types::SessionEnd {
        /// Its own client signed out.
        SignedOut = "SIGNED_OUT",
        /// It was ended from elsewhere, or its refresh token was used twice.
        Revoked = "REVOKED",
        /// The account was suspended.
        Suspended = "SUSPENDED",
    }
    unknown: Revoked
}

/// A live sign-in.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::sessions)]
pub struct Session {
    /// Key.
    pub id: SessionId,
    /// Kind of client.
    pub platform: Platform,
    /// What the client calls its device.
    pub device_name: Option<String>,
    /// Address it came from.
    pub ip: Option<String>,
    /// When they signed in.
    pub created_at: DateTime<Utc>,
    /// When it was last refreshed.
    pub last_used_at: DateTime<Utc>,
    /// When it ends unless refreshed.
    pub expires_at: DateTime<Utc>,
}

/// A sign-in to be.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Whose.
    pub user_id: UserId,
    /// Kind of client.
    pub platform: Platform,
    /// What the client calls its device.
    pub device_name: Option<String>,
    /// Address it came from.
    pub ip: Option<String>,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// When it ends unless refreshed.
    pub expires_at: DateTime<Utc>,
}

/// A presented refresh token with its session, both locked.
#[derive(Debug, Queryable)]
pub struct PresentedToken {
    /// Key of the token's row.
    pub id: i64,
    /// When it was exchanged.
    pub rotated_at: Option<DateTime<Utc>>,
    /// The salt of its successor.
    pub successor_salt: Option<Vec<u8>>,
    /// The successor's row.
    pub successor_id: Option<i64>,
    /// The session.
    pub session_id: SessionId,
    /// Whose session.
    pub user_id: UserId,
    /// When the session ends.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Whether the account has a password.
    pub has_password: bool,
}

/// How a device describes itself at sign-in.
#[derive(Clone, Debug)]
pub struct Device {
    /// Kind of client.
    pub platform: Platform,
    /// What the client calls its device.
    pub name: Option<String>,
}

/// The pair of tokens that a sign-in gives.
#[derive(Clone)]
pub struct Tokens {
    /// Signed access token.
    pub access: String,
    /// Its end.
    pub access_expires_at: DateTime<Utc>,
    /// Opaque refresh token.
    pub refresh: String,
    /// The session's end.
    pub refresh_expires_at: DateTime<Utc>,
    /// No password is set.
    pub needs_password_update: bool,
}

/// A user who signed in.
#[derive(Clone)]
pub struct SignedIn {
    /// Their tokens.
    pub tokens: Tokens,
    /// They.
    pub user: User,
}
