//! Mutations around one-time codes and captchas.

use async_graphql::{Context, Object};

use crate::domains::accounts::model::CodePurpose;
use crate::domains::accounts::service::{codes, passwords};
use crate::domains::accounts::types::sign_in::{
    ContactInput, ImageCaptchaAnswer, ImageCaptchaPayload, RequestVerificationCodeInput, ResetPasswordInput,
};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::payload::OkPayload;

/// Mutations around one-time codes and captchas.
#[derive(Default)]
pub struct CodeMutation;

/// Mutations around one-time codes and captchas.
#[Object(crate = "crate::graphql::eager")]
impl CodeMutation {
    /// Draws a picture of a few letters. Its answer goes along with what it was drawn for, once, within 5 minutes. User
    /// error: `RATE_LIMITED` for too many from one address.
    async fn create_image_captcha(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it will be good for, and for nothing else.")] purpose: CodePurpose,
    ) -> Option<AppResult<ImageCaptchaPayload>> {
        mutation(ctx, async { codes::create_captcha(ctx.scope()?, purpose).await }, Into::into).await
    }

    /// Sends a code of six digits, good for 10 minutes, one use and three tries from one address; it replaces an earlier one
    /// that was asked for from the same network. The answer is the same whether or not an account has this contact. User
    /// errors: `INVALID_INPUT`, `CAPTCHA_INVALID`, `RATE_LIMITED` for more than one a minute or four a day from one address to one
    /// contact, ten a day to it from all, or too many from one address.
    async fn request_verification_code(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The contact and the purpose.")] input: RequestVerificationCodeInput,
    ) -> Option<AppResult<OkPayload>> {
        let RequestVerificationCodeInput { contact, purpose, captcha } = input;
        let send = async { codes::request_code(ctx.scope()?, contact.into(), purpose, captcha.map(Into::into)).await };
        mutation(ctx, send, |()| OkPayload::done()).await
    }

    /// Sends a code for `resetPassword`, if the contact is an account's; the answer is the same if it is not. User errors:
    /// `CAPTCHA_INVALID`, `RATE_LIMITED` as for `requestVerificationCode`.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account's contact (proven, or put in by an administrator).")] contact: ContactInput,
        #[graphql(desc = "A solved captcha with the purpose `RESET_PASSWORD`, where the server wants one.")]
        captcha: Option<ImageCaptchaAnswer>,
    ) -> Option<AppResult<OkPayload>> {
        let send = async { codes::request_reset(ctx.scope()?, contact.into(), captcha.map(Into::into)).await };
        mutation(ctx, send, |()| OkPayload::done()).await
    }

    /// Sets a new password by a code, and ends all the account's sessions. User errors: `WEAK_PASSWORD`, `CODE_INVALID`,
    /// `CODE_EXPIRED`.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The contact, its code and the new password.")] input: ResetPasswordInput,
    ) -> Option<AppResult<OkPayload>> {
        let ResetPasswordInput { contact, code, new_password } = input;
        let reset = async { passwords::reset_password(ctx.scope()?, contact.into(), &code, new_password).await };
        mutation(ctx, reset, |()| OkPayload::done()).await
    }
}
