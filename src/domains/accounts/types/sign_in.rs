//! GraphQL types of registering, signing in and staying signed in.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::auth::stream_ticket::StreamTicket;
use crate::contact::Contact;
use crate::domains::accounts::model::code::ImageCaptcha;
use crate::domains::accounts::model::{
    self, CaptchaAnswer, CodePurpose, Device, Platform, Registration, SignedIn, Tokens,
};
use crate::domains::accounts::service::sign_in::Password;
use crate::domains::accounts::types::User;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::scalars::{DateTime, EmailAddress, PhoneNumber};

/// The tokens of a session. Send the access token as `Authorization: Bearer …`; exchange the refresh token with
/// `refreshSession` before the access token ends.
#[derive(SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
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
#[graphql(crate = "crate::graphql::eager")]
pub struct AuthPayload {
    /// The session's new tokens; null when it was refused.
    tokens: Option<AuthTokens>,
    /// Who is signed in now; null when it was refused.
    user: Option<User>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl AuthPayload {
    /// A user signed in.
    #[must_use]
    pub fn signed_in(signed_in: SignedIn) -> Self {
        Self::with(signed_in.tokens, Arc::new(signed_in.user))
    }

    /// New tokens of a user.
    #[must_use]
    pub fn with(tokens: Tokens, user: Arc<model::User>) -> Self {
        Self { tokens: Some(tokens.into()), user: Some(User(user)), user_errors: Vec::new() }
    }
}

impl Payload for AuthPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { tokens: None, user: None, user_errors }
    }
}

/// What opens an event stream without a header.
#[derive(SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct StreamTicketPayload {
    /// The value of the parameter `ticket` in the URL; null when it was refused.
    ticket: Option<String>,
    /// Until when it opens streams: a minute from now, or less where the access token ends sooner.
    expires_at: Option<DateTime>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl StreamTicketPayload {
    /// A ticket that was issued.
    #[must_use]
    pub fn with(ticket: StreamTicket) -> Self {
        let StreamTicket { token, expires_at } = ticket;
        Self { ticket: Some(token), expires_at: Some(expires_at.into()), user_errors: Vec::new() }
    }
}

impl Payload for StreamTicketPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { ticket: None, expires_at: None, user_errors }
    }
}

/// A new account.
#[derive(InputObject)]
pub struct RegisterInput {
    /// 2 to 32 letters with their marks, digits, dots, hyphens or underscores, at least one letter, none of several scripts
    /// that look alike; unique without regard to case. Without one, a contact with its code is needed, and the account is
    /// called `u<accountNumber>`.
    username: Option<String>,
    /// 8 to 128 characters (code points of its composed form), and none that many people choose.
    #[graphql(secret)]
    password: String,
    /// Address to sign in with. Without its code it waits to be verified, and is sent one.
    email: Option<EmailAddress>,
    /// Number to sign in with. Without its code it waits to be verified, and is sent one.
    phone: Option<PhoneNumber>,
    /// The code that `requestVerificationCode` with `REGISTER` sent to the address.
    email_code: Option<String>,
    /// The code that `requestVerificationCode` with `REGISTER` sent to the number.
    phone_code: Option<String>,
    /// A solved captcha with the purpose `REGISTER`, where the server wants one; not needed with a contact's code.
    captcha: Option<ImageCaptchaAnswer>,
    /// Name to show, 1 to 32 characters, none of them invisible; the username where none is given.
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
            email: input.email.map(|email| email.0),
            phone: input.phone.map(|phone| phone.0),
            email_code: input.email_code,
            phone_code: input.phone_code,
            captcha: input.captcha.map(Into::into),
            nickname: input.nickname,
            device: Device { platform: input.platform, name: input.device_name },
        }
    }
}

/// An account's name and its password.
#[derive(InputObject)]
pub struct PasswordCredential {
    /// Username, or the account's e-mail address or phone number (proven, or put in by an administrator). `INVALID_INPUT` for
    /// what can be none of these, such as a misspelt number.
    pub account: String,
    /// The password.
    #[graphql(secret)]
    pub password: String,
    /// A solved captcha with the purpose `LOGIN`, where the server wants one: always by its settings, or after three wrong
    /// passwords.
    pub captcha: Option<ImageCaptchaAnswer>,
}

impl From<PasswordCredential> for Password {
    fn from(PasswordCredential { account, password, captcha }: PasswordCredential) -> Self {
        Self { account, password, captcha: captcha.map(Into::into) }
    }
}

/// An e-mail address and the code that was sent to it.
#[derive(InputObject)]
pub struct EmailCodeCredential {
    /// The address.
    pub email: EmailAddress,
    /// The code that `requestVerificationCode` with `LOGIN` sent to it.
    #[graphql(secret)]
    pub code: String,
}

/// A phone number and the code that was sent to it.
#[derive(InputObject)]
pub struct PhoneCodeCredential {
    /// The number.
    pub phone: PhoneNumber,
    /// The code that `requestVerificationCode` with `LOGIN` sent to it.
    #[graphql(secret)]
    pub code: String,
}

/// A contact of a user: exactly one of these.
#[derive(OneofObject)]
pub enum ContactInput {
    /// By e-mail.
    Email(EmailAddress),
    /// By SMS.
    Phone(PhoneNumber),
}

impl From<ContactInput> for Contact {
    fn from(input: ContactInput) -> Self {
        match input {
            ContactInput::Email(email) => Self::Email(email.0),
            ContactInput::Phone(phone) => Self::Phone(phone.0),
        }
    }
}

/// The solution of a captcha. Each captcha is good for one answer, right or wrong.
#[derive(InputObject)]
pub struct ImageCaptchaAnswer {
    /// The captcha's key.
    key: ID,
    /// What the picture says; case makes no difference.
    answer: String,
}

impl From<ImageCaptchaAnswer> for CaptchaAnswer {
    fn from(input: ImageCaptchaAnswer) -> Self {
        Self { key: input.key.0, answer: input.answer }
    }
}

/// A picture of a few letters, for a person to read.
#[derive(SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
#[graphql(name = "ImageCaptcha")]
pub struct ImageCaptchaObject {
    /// Names it; send it along with the answer.
    key: ID,
    /// Base64 PNG, 240 by 100.
    image: String,
    /// When it ends: in 5 minutes.
    expires_at: DateTime,
}

/// A captcha.
#[derive(SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ImageCaptchaPayload {
    /// The captcha; null when it was refused.
    captcha: Option<ImageCaptchaObject>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<ImageCaptcha> for ImageCaptchaPayload {
    fn from(made: ImageCaptcha) -> Self {
        let image = STANDARD.encode(made.png);
        let captcha = ImageCaptchaObject { key: ID(made.key), image, expires_at: made.expires_at.into() };
        Self { captcha: Some(captcha), user_errors: Vec::new() }
    }
}

impl Payload for ImageCaptchaPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { captcha: None, user_errors }
    }
}

/// Where a code is wanted, and what for.
#[derive(InputObject)]
pub struct RequestVerificationCodeInput {
    /// Where to send it.
    pub contact: ContactInput,
    /// What it will be good for. `VERIFY_EMAIL` and `VERIFY_PHONE` need a token, and a contact of one's own that waits.
    pub purpose: CodePurpose,
    /// A solved captcha with the same purpose, where the server wants one; not needed to verify a contact.
    pub captcha: Option<ImageCaptchaAnswer>,
}

/// A new password, by a code.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// The account's contact (proven, or put in by an administrator).
    pub contact: ContactInput,
    /// The code that `requestPasswordReset` sent to it.
    #[graphql(secret)]
    pub code: String,
    /// 8 to 128 characters (code points of its composed form), and none that many people choose.
    #[graphql(secret)]
    pub new_password: String,
}

/// A sign-in on one device.
#[derive(Clone, Debug)]
pub struct Session(pub model::Session);

/// A sign-in on one device.
#[Object(crate = "crate::graphql::eager")]
impl Session {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// The kind of client.
    async fn platform(&self) -> Platform {
        self.0.platform
    }

    /// What the client calls its device.
    async fn device_name(&self) -> Option<&str> {
        self.0.device_name.as_deref()
    }

    /// The address it signed in from.
    async fn ip(&self) -> Option<&str> {
        self.0.ip.as_deref()
    }

    /// When it signed in.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When its tokens were last refreshed; clients do so every 15 minutes at the least while they are in use.
    async fn last_used_at(&self) -> DateTime {
        self.0.last_used_at.into()
    }

    /// When it ends unless it is refreshed.
    async fn expires_at(&self) -> DateTime {
        self.0.expires_at.into()
    }

    /// Whether this very request belongs to it.
    async fn current(&self, ctx: &Context<'_>) -> AppResult<bool> {
        Ok(ctx.viewer()?.session_id == self.0.id)
    }
}

/// The proof of an account: exactly one of these.
#[derive(OneofObject)]
pub enum CredentialInput {
    /// A password.
    Password(PasswordCredential),
    /// A code that was mailed; the first time it makes the account.
    EmailCode(EmailCodeCredential),
    /// A code that was sent by SMS; the first time it makes the account.
    PhoneCode(PhoneCodeCredential),
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
    /// 8 to 128 characters (code points of its composed form), and none that many people choose.
    #[graphql(secret)]
    pub new_password: String,
}
