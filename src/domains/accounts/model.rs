//! Rows and enums of accounts.

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{Insertable, Queryable, Selectable};

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::error::{UserError, UserErrorCode};
use crate::ids::{SessionId, UserId};

pg_enum! {
    /// What somebody may do beyond their own things.
    #[derive(Enum)]
    pub enum Role: sql_types::UserRole {
        /// Their own things.
        User = "USER",
        /// Answers support tickets.
        Support = "SUPPORT",
        /// Runs the community.
        Admin = "ADMIN",
    }
}

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

/// A person, as others may know them; the password's hash stays in the database.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::users)]
pub struct User {
    /// Key.
    pub id: UserId,
    /// Public number, from 10000000.
    pub account_number: i32,
    /// Unique name.
    pub username: String,
    /// Name to show.
    pub nickname: String,
    /// Rights.
    pub role: Role,
    /// Set for somebody who left.
    pub deleted_at: Option<DateTime<Utc>>,
    /// When they registered.
    pub created_at: DateTime<Utc>,
    /// When the profile last changed.
    pub updated_at: DateTime<Utc>,
}

/// A person to be.
#[derive(Insertable)]
#[diesel(table_name = schema::users)]
pub struct NewUser {
    /// Unique name, as written.
    pub username: String,
    /// Unique name, as compared.
    pub username_key: String,
    /// Name to show.
    pub nickname: String,
    /// PHC string.
    pub password_hash: Option<String>,
    /// Now.
    pub created_at: DateTime<Utc>,
}

/// A sign-in to be.
#[derive(Insertable)]
#[diesel(table_name = schema::sessions)]
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
}

/// How a device describes itself at sign-in.
#[derive(Clone, Debug)]
pub struct Device {
    /// Kind of client.
    pub platform: Platform,
    /// What the client calls its device.
    pub name: Option<String>,
}

/// What `register` is given.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Wished username.
    pub username: Option<String>,
    /// Wished password.
    pub password: String,
    /// Name to show; the username where none is given.
    pub nickname: Option<String>,
    /// Where they sign in.
    pub device: Device,
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

/// Somebody signed in.
#[derive(Clone)]
pub struct SignedIn {
    /// Their tokens.
    pub tokens: Tokens,
    /// They.
    pub user: User,
}

/// What can go wrong with an account, for the person to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// No username was given.
    #[error("Choose a username.")]
    UsernameMissing,
    /// The username can't be used by anybody.
    #[error(
        "A username has 2 to 32 letters, digits, dots, hyphens or underscores, at least one letter, \
         and is not \"u\" with a number."
    )]
    UsernameUnusable,
    /// The username is somebody else's.
    #[error("This username is taken.")]
    UsernameTaken,
    /// The nickname is empty, too long, or has control characters.
    #[error("A nickname has 1 to 32 characters on one line.")]
    NicknameUnusable,
    /// The device name is too long.
    #[error("A device name has at most 100 characters.")]
    DeviceNameTooLong,
    /// The device name has control characters.
    #[error("A device name stands on one line.")]
    DeviceNameUnusable,
    /// The password is too short.
    #[error("A password has at least 8 characters.")]
    PasswordTooShort,
    /// The password is too long.
    #[error("A password has at most 128 characters.")]
    PasswordTooLong,
    /// Unknown account or wrong password; nobody learns which.
    #[error("Account and password do not match.")]
    CredentialsMismatch,
    /// The password that should be replaced is not the current one.
    #[error("The current password is not right.")]
    CurrentPasswordWrong,
    /// The refresh token is unknown, used up, expired or revoked.
    #[error("This refresh token is no longer valid; sign in again.")]
    RefreshTokenInvalid,
}

impl AccountError {
    /// The failure with its code, at an argument's dotted path.
    #[must_use]
    pub fn at(self, path: &str) -> UserError {
        let code = match self {
            Self::UsernameMissing => UserErrorCode::Required,
            Self::UsernameUnusable | Self::NicknameUnusable | Self::DeviceNameUnusable => UserErrorCode::InvalidInput,
            Self::UsernameTaken => UserErrorCode::UsernameTaken,
            Self::DeviceNameTooLong => UserErrorCode::TooLong,
            Self::PasswordTooShort | Self::PasswordTooLong => UserErrorCode::WeakPassword,
            Self::CredentialsMismatch | Self::CurrentPasswordWrong | Self::RefreshTokenInvalid => {
                UserErrorCode::InvalidCredentials
            }
        };
        UserError::new(code, self.to_string(), path)
    }
}
