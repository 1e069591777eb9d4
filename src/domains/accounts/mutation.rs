//! Mutations of accounts.

use async_graphql::{Context, Object};

use super::model::Device;
use super::service;
use super::types::{AuthPayload, ChangePasswordInput, CredentialInput, LoginInput, RegisterInput};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::payload::{OkPayload, settle};

/// Mutations of accounts.
#[derive(Default)]
pub struct AccountMutation;

/// Mutations of accounts.
#[Object]
impl AccountMutation {
    /// Makes an account and signs it in. User errors: `REQUIRED`, `INVALID_INPUT`, `TOO_LONG`, `WEAK_PASSWORD`,
    /// `USERNAME_TAKEN`, `RATE_LIMITED` for too many from one address.
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new account.")] input: RegisterInput,
    ) -> Option<AppResult<AuthPayload>> {
        settle(async { service::register(ctx.scope()?, input.into()).await }.await, AuthPayload::signed_in)
    }

    /// Signs in. An unknown account and a wrong password are both `INVALID_CREDENTIALS`; after too many of them it is
    /// `RATE_LIMITED`, whatever the password.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The credential and the device.")] input: LoginInput,
    ) -> Option<AppResult<AuthPayload>> {
        let CredentialInput::Password(credential) = input.credential;
        let device = Device { platform: input.platform, name: input.device_name };
        let login = async { service::login(ctx.scope()?, credential.account, credential.password, device).await };
        settle(login.await, AuthPayload::signed_in)
    }

    /// Exchanges a refresh token for new tokens. Send no `Authorization` header along: an expired one would be refused
    /// before anything else. The same token again within 30 seconds,
    /// while the new one is unused, gives the same new one; later it ends the session. User error:
    /// `INVALID_CREDENTIALS`.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session's latest refresh token.", secret)] refresh_token: String,
    ) -> Option<AppResult<AuthPayload>> {
        let refresh = async {
            let (user_id, tokens) = service::refresh_session(ctx.scope()?, refresh_token).await?;
            let loaders = ctx.loaders()?;
            let user = loaders.get(&loaders.users, user_id).await?;
            Ok((tokens, user))
        };
        settle(refresh.await, |(tokens, user)| AuthPayload::with(tokens, user))
    }

    /// Ends this session: its tokens stop working, on every instance within two seconds.
    async fn logout(&self, ctx: &Context<'_>) -> Option<AppResult<OkPayload>> {
        settle(async { service::logout(ctx.scope()?).await }.await, |()| OkPayload::done())
    }

    /// Replaces the password, ends all other sessions, and gives this one new tokens. User errors:
    /// `INVALID_CREDENTIALS` for a wrong current password, `WEAK_PASSWORD`.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The current and the new password.")] input: ChangePasswordInput,
    ) -> Option<AppResult<AuthPayload>> {
        let change = async { service::change_password(ctx.scope()?, input.current_password, input.new_password).await };
        settle(change.await, AuthPayload::signed_in)
    }
}
