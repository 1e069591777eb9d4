//! GraphQL types of accounts.

use std::sync::Arc;

use async_graphql::{ID, InputObject, Object, OneofObject, SimpleObject};

use super::model::{self, Device, Platform, Registration, Role, SignedIn, Tokens};
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::scalars::DateTime;

/// A person. What everybody may know of them.
#[derive(Clone, Debug)]
pub struct User(pub Arc<model::User>);

/// A person. What everybody may know of them.
#[Object]
impl User {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Public numeric account, starting at 10000000.
    async fn account_number(&self) -> i32 {
        self.0.account_number
    }

    /// Unique name, which they sign in with; case does not matter.
    async fn username(&self) -> &str {
        &self.0.username
    }

    /// Name to show; not unique.
    async fn nickname(&self) -> &str {
        &self.0.nickname
    }

    /// A placeholder for someone who left.
    async fn deleted(&self) -> bool {
        self.0.deleted_at.is_some()
    }

    /// What they may do beyond their own things.
    async fn role(&self) -> Role {
        self.0.role
    }

    /// When they registered.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When their profile last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

/// The tokens of a session. Send the access token as `Authorization: Bearer …`; exchange the refresh token with
/// `refreshSession` before the access token ends.
#[derive(SimpleObject)]
pub struct AuthTokens {
    /// Signed token for requests and sockets, good for about 15 minutes.
    access_token: String,
    /// When the access token ends.
    access_token_expires_at: DateTime,
    /// Opaque token, good once, for new tokens.
    refresh_token: String,
    /// When the session ends unless it is refreshed: 30 days from now.
    refresh_token_expires_at: DateTime,
    /// The account has no password yet.
    needs_password_update: bool,
}

impl From<Tokens> for AuthTokens {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access,
            access_token_expires_at: tokens.access_expires_at.into(),
            refresh_token: tokens.refresh,
            refresh_token_expires_at: tokens.refresh_expires_at.into(),
            needs_password_update: tokens.needs_password_update,
        }
    }
}

/// What signing in, or staying signed in, gives.
#[derive(SimpleObject)]
pub struct AuthPayload {
    /// The session's new tokens; null when it was refused.
    tokens: Option<AuthTokens>,
    /// Who is signed in now; null when it was refused.
    user: Option<User>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl AuthPayload {
    /// Somebody is signed in.
    #[must_use]
    pub fn signed_in(signed_in: SignedIn) -> Self {
        Self::with(signed_in.tokens, Arc::new(signed_in.user))
    }

    /// Somebody has new tokens.
    #[must_use]
    pub fn with(tokens: Tokens, user: Arc<model::User>) -> Self {
        Self { tokens: Some(tokens.into()), user: Some(User(user)), user_errors: Vec::new() }
    }
}

impl Payload for AuthPayload {
    fn refused(user_errors: Vec<UserErrorObject>) -> Self {
        Self { tokens: None, user: None, user_errors }
    }
}

/// A new account.
#[derive(InputObject)]
pub struct RegisterInput {
    /// 2 to 32 letters, digits, dots, hyphens or underscores, at least one letter; unique whatever the case.
    username: Option<String>,
    /// 8 to 128 characters.
    #[graphql(secret)]
    password: String,
    /// Name to show, 1 to 32 characters; the username where none is given.
    nickname: Option<String>,
    /// The kind of client.
    #[graphql(default_with = "Platform::Web")]
    platform: Platform,
    /// What the client calls its device, at most 100 characters.
    device_name: Option<String>,
}

impl From<RegisterInput> for Registration {
    fn from(input: RegisterInput) -> Self {
        Self {
            username: input.username,
            password: input.password,
            nickname: input.nickname,
            device: Device { platform: input.platform, name: input.device_name },
        }
    }
}

/// An account's name and its password.
#[derive(InputObject)]
pub struct PasswordCredential {
    /// The username.
    pub account: String,
    /// The password.
    #[graphql(secret)]
    pub password: String,
}

/// What somebody proves their account with: exactly one of these.
#[derive(OneofObject)]
pub enum CredentialInput {
    /// A password.
    Password(PasswordCredential),
}

/// A sign-in.
#[derive(InputObject)]
pub struct LoginInput {
    /// What proves the account.
    pub credential: CredentialInput,
    /// The kind of client.
    #[graphql(default_with = "Platform::Web")]
    pub platform: Platform,
    /// What the client calls its device, at most 100 characters.
    pub device_name: Option<String>,
}

/// A new password.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The password until now. Omit only while `needsPasswordUpdate` is true.
    #[graphql(secret)]
    pub current_password: Option<String>,
    /// 8 to 128 characters.
    #[graphql(secret)]
    pub new_password: String,
}
