//! Mutations of what people say of themselves, and of their contacts.

use async_graphql::{Context, Object, Upload};

use crate::domains::accounts::service::{contacts, profile};
use crate::domains::accounts::types::UserPayload;
use crate::domains::accounts::types::profile::UpdateProfileInput;
use crate::domains::accounts::types::sign_in::ContactInput;
use crate::domains::friends::service::profiles::follow;
use crate::domains::media::mutation::sent;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::payload::OkPayload;

/// Mutations of what people say of themselves, and of their contacts.
#[derive(Default)]
pub struct ProfileMutation;

/// Mutations of what people say of themselves, and of their contacts.
#[Object(crate = "crate::graphql::eager")]
impl ProfileMutation {
    /// Changes what the viewer says of themselves. User errors: `REQUIRED` for null where there has to be a value,
    /// `INVALID_INPUT`, `TOO_LONG`, `OUT_OF_RANGE`, `USERNAME_TAKEN`, `CONFLICT` for showing a position that is not there; for
    /// contacts `REAUTHENTICATION_REQUIRED` unless the session's user signed in or called `reauthenticate` within ten minutes.
    /// Passwords are changed by `changePassword`.
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateProfileInput,
    ) -> Option<AppResult<UserPayload>> {
        let update = async { profile::update_profile(ctx.scope()?, input.into(), follow).await };
        mutation(ctx, update, UserPayload::changed).await
    }

    /// Makes a picture of up to 1 MiB the viewer's avatar, by a multipart request; it becomes one of their files. User
    /// errors: those of `uploadFile`, and `FILE_TYPE_NOT_ALLOWED` for what is no picture.
    async fn upload_avatar(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The picture.")] file: Upload,
    ) -> Option<AppResult<UserPayload>> {
        let upload = async {
            let sent = sent(ctx, &file, "file".into())?;
            profile::upload_avatar(ctx.scope()?, sent, follow).await
        };
        mutation(ctx, upload, UserPayload::changed).await
    }

    /// Mails a link that verifies the viewer's waiting e-mail address; good for 24 hours. User errors: `INVALID_INPUT`
    /// when none is waiting, `RATE_LIMITED` for more than one a minute or four a day from one address, or ten a day in all.
    async fn send_email_verification(&self, ctx: &Context<'_>) -> Option<AppResult<OkPayload>> {
        mutation(ctx, async { contacts::send_link(ctx.scope()?).await }, |()| OkPayload::done()).await
    }

    /// Verifies an e-mail address by the token of a mailed link, signed in or not; the page `/verify-email?token=` does
    /// the same. User errors: `CODE_INVALID`, `CODE_EXPIRED`, `EMAIL_TAKEN`.
    async fn verify_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link's token.")] token: String,
    ) -> Option<AppResult<UserPayload>> {
        let verify = async { contacts::verify_email(ctx.scope()?, &token).await };
        mutation(ctx, verify, UserPayload::changed).await
    }

    /// Confirms a new e-mail address or phone number with the code that was sent to it. User errors: `INVALID_INPUT` when
    /// it is not waiting, `CODE_INVALID`, `CODE_EXPIRED`, `EMAIL_TAKEN`, `PHONE_TAKEN`.
    async fn verify_contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The waiting contact.")] contact: ContactInput,
        #[graphql(desc = "The code.")] code: String,
    ) -> Option<AppResult<UserPayload>> {
        let verify = async { contacts::verify_contact(ctx.scope()?, contact.into(), &code).await };
        mutation(ctx, verify, UserPayload::changed).await
    }
}
