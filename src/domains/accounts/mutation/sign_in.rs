//! Mutations that open and end sessions.

use async_graphql::{Context, ID, Object};

use crate::contact::Contact;
use crate::domains::accounts::loader::UserById;
use crate::domains::accounts::model::Device;
use crate::domains::accounts::service::{passwords, register, sessions, sign_in};
use crate::domains::accounts::types::sign_in::{
    AuthPayload, ChangePasswordInput, CredentialInput, LoginInput, RegisterInput, StreamTicketPayload,
};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::payload::{DeletePayload, OkPayload};
use crate::graphql::scalars::mutation_id;
use crate::ids::SessionId;

/// Mutations that open and end sessions.
#[derive(Default)]
pub struct SignInMutation;

/// Mutations that open and end sessions.
#[Object(crate = "crate::graphql::eager")]
impl SignInMutation {
    /// Makes an account and signs it in. User errors: `REQUIRED`, `INVALID_INPUT`, `TOO_LONG`, `WEAK_PASSWORD`,
    /// `USERNAME_TAKEN`, `CAPTCHA_INVALID`, `CODE_INVALID`, `CODE_EXPIRED`; `EMAIL_TAKEN` and `PHONE_TAKEN` only after the
    /// contact's code was right; `RATE_LIMITED` for too many from one address.
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new account.")] input: RegisterInput,
    ) -> Option<AppResult<AuthPayload>> {
        mutation(ctx, async { register::register(ctx.scope()?, input.into()).await }, AuthPayload::signed_in).await
    }

    /// Signs in. An unknown account and a wrong password are both `INVALID_CREDENTIALS`; after three of them a captcha is
    /// asked for (`CAPTCHA_INVALID`), after too many it is `RATE_LIMITED`, even with the right password. A code signs in the
    /// account of its contact, or makes one, with `needsPasswordUpdate` until a password is set; user errors:
    /// `CODE_INVALID`, `CODE_EXPIRED`, `RATE_LIMITED`. `ACCOUNT_SUSPENDED` only after the right credential.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The credential and the device.")] input: LoginInput,
    ) -> Option<AppResult<AuthPayload>> {
        let device = Device { platform: input.platform, name: input.device_name };
        let login = async {
            let scope = ctx.scope()?;
            match input.credential {
                CredentialInput::Password(password) => sign_in::login(scope, password.into(), device).await,
                CredentialInput::EmailCode(by) => {
                    sign_in::login_with_code(scope, Contact::Email(by.email.0), &by.code, device).await
                }
                CredentialInput::PhoneCode(by) => {
                    sign_in::login_with_code(scope, Contact::Phone(by.phone.0), &by.code, device).await
                }
            }
        };
        mutation(ctx, login, AuthPayload::signed_in).await
    }

    /// Proves the viewer's identity once more, for the ten minutes in which contacts can be changed, a first password be set and
    /// the account be left (`REAUTHENTICATION_REQUIRED`). Signing in counts as well. User errors as `login` has them, and
    /// `INVALID_CREDENTIALS` for another account's credential.
    async fn reauthenticate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What proves the viewer's own account; a code has the purpose `LOGIN`.")]
        credential: CredentialInput,
    ) -> Option<AppResult<OkPayload>> {
        let prove = async {
            let scope = ctx.scope()?;
            match credential {
                CredentialInput::Password(password) => sign_in::reauthenticate(scope, password.into()).await,
                CredentialInput::EmailCode(by) => {
                    sign_in::reauthenticate_with_code(scope, Contact::Email(by.email.0), &by.code).await
                }
                CredentialInput::PhoneCode(by) => {
                    sign_in::reauthenticate_with_code(scope, Contact::Phone(by.phone.0), &by.code).await
                }
            }
        };
        mutation(ctx, prove, |()| OkPayload::done()).await
    }

    /// Exchanges a refresh token for new tokens; an expired access token sent along does no harm. The same token again
    /// within 30 seconds, while the new one is unused, gives the same new one; later it ends the session and closes its
    /// sockets. User error: `INVALID_CREDENTIALS`.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session's latest refresh token.", secret)] refresh_token: String,
    ) -> Option<AppResult<AuthPayload>> {
        let refresh = async {
            let (user_id, tokens) = sessions::refresh_session(ctx.scope()?, refresh_token).await?;
            let loaders = ctx.loaders()?;
            let user = loaders.get::<UserById>(user_id).await?;
            Ok((tokens, user))
        };
        mutation(ctx, refresh, |(tokens, user)| AuthPayload::with(tokens, user)).await
    }

    /// A ticket that opens an event stream where no header can be sent, as with a browser's `EventSource`:
    /// `new EventSource("/graphql?ticket=…&query=…")`. Ask for one for each stream: it opens streams for a minute, and a
    /// stream that it opened ends as one of the access token's would.
    async fn create_stream_ticket(&self, ctx: &Context<'_>) -> Option<AppResult<StreamTicketPayload>> {
        mutation(ctx, async { sessions::create_stream_ticket(ctx.scope()?) }, StreamTicketPayload::with).await
    }

    /// Ends this session: its tokens stop working and its sockets close, on every instance within two seconds.
    async fn logout(&self, ctx: &Context<'_>) -> Option<AppResult<OkPayload>> {
        mutation(ctx, async { sessions::logout(ctx.scope()?).await }, |()| OkPayload::done()).await
    }

    /// Ends one of the viewer's sessions, as `logout` does on that device. User error: `NOT_FOUND`.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session's global id, from `Viewer.sessions`.")] id: ID,
    ) -> Option<AppResult<DeletePayload>> {
        let revoke = async { sessions::revoke_session(ctx.scope()?, mutation_id(SessionId::parse, &id, "id")?).await };
        mutation(ctx, revoke, |()| DeletePayload::deleted(id.clone())).await
    }

    /// Ends all of the viewer's sessions but this one.
    async fn revoke_other_sessions(&self, ctx: &Context<'_>) -> Option<AppResult<OkPayload>> {
        mutation(ctx, async { sessions::revoke_other_sessions(ctx.scope()?).await }, |()| OkPayload::done()).await
    }

    /// Replaces the password, ends all sessions, this one and its access tokens included, and opens a new one with the tokens
    /// of the payload. User errors: `INVALID_CREDENTIALS` for a wrong current password, `RATE_LIMITED` after too many of them,
    /// `REAUTHENTICATION_REQUIRED` for a first password, `WEAK_PASSWORD`. Contacts that wait to be verified are forgotten.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The current and the new password.")] input: ChangePasswordInput,
    ) -> Option<AppResult<AuthPayload>> {
        let change =
            async { passwords::change_password(ctx.scope()?, input.current_password, input.new_password).await };
        mutation(ctx, change, AuthPayload::signed_in).await
    }
}
