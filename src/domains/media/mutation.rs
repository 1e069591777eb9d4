//! Mutations of media.

use async_graphql::{Context, ID, Object, Upload};

use super::model::UploadedFile;
use super::service;
use super::types::{MediaListPayload, MediaPayload, UploadTicket, UploadTicketInput, UploadTicketPayload};
use crate::error::{AppError, AppResult};
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::payload::DeletePayload;
use crate::graphql::scalars::mutation_id;
use crate::ids::MediaId;
use crate::permit::MutationPermit;

/// A file of a multipart request, which came in the argument of this path.
///
/// # Errors
/// Internal when the request has no such file, which was checked before.
pub fn sent(ctx: &Context<'_>, upload: &Upload, path: String) -> AppResult<UploadedFile> {
    let upload = upload.value(ctx).map_err(AppError::internal)?;
    Ok(UploadedFile { file: upload.content, name: upload.filename, declared_type: upload.content_type, path })
}

/// Mutations of media.
#[derive(Default)]
pub struct MediaMutation;

/// Mutations of media.
#[Object(crate = "crate::graphql::eager")]
impl MediaMutation {
    /// Uploads a file of up to 1 MiB, by a multipart request; larger ones have `createUploadTicket`. Pictures (JPEG, PNG,
    /// GIF, WebP, at most 8192 pixels a side and 25 million in all) are encoded anew, upright and without what else was
    /// in them; voice, video and documents of the usual kinds are kept as they are. User errors: `FILE_TYPE_NOT_ALLOWED`,
    /// `FILE_TOO_LARGE`, `INVALID_INPUT` for a damaged file, `TOO_MANY_FILES` when the viewer has no more room,
    /// `RATE_LIMITED`.
    async fn upload_file(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file.")] file: Upload,
    ) -> Option<AppResult<MediaPayload>> {
        let upload = async {
            let sent = sent(ctx, &file, "file".into())?;
            let files = service::upload_files(ctx.scope()?, vec![sent]).await?;
            files.into_iter().next().ok_or_else(|| AppError::internal("a file was lost"))
        };
        mutation(ctx, upload, Into::into).await
    }

    /// Uploads up to ten files, all or none, as `uploadFile` does; 10 MiB in all.
    async fn upload_files(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The files.")] files: Vec<Upload>,
    ) -> Option<AppResult<MediaListPayload>> {
        let upload = async {
            let sent = files.iter().enumerate().map(|(n, file)| sent(ctx, file, format!("files.{n}")));
            service::upload_files(ctx.scope()?, sent.collect::<AppResult<_>>()?).await
        };
        mutation(ctx, upload, Into::into).await
    }

    /// Announces a file of up to 20 MiB that is sent straight to the storage: `PUT` its bytes to `uploadUrl` with
    /// `headers`, then call `completeUpload`. User errors: `FILE_TYPE_NOT_ALLOWED`, `FILE_TOO_LARGE`, `TOO_MANY_FILES` when
    /// the viewer has no more room, `RATE_LIMITED`.
    async fn create_upload_ticket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be sent.")] input: UploadTicketInput,
    ) -> Option<AppResult<UploadTicketPayload>> {
        let announce = async {
            let UploadTicketInput { file_name, content_type, size_bytes } = input;
            let ticket = service::uploads::announce(ctx.scope()?, &file_name, &content_type, size_bytes).await?;
            Ok(UploadTicket::new(ticket, &ctx.app()?.config.public_url))
        };
        mutation(ctx, announce, Into::into).await
    }

    /// Makes what was sent to a ticket's `uploadUrl` a file, after looking at it as `uploadFile` does; only then is there a
    /// file. Called again, it gives the same file. User errors: `NOT_FOUND` when nothing has arrived; `CODE_INVALID` and
    /// `CODE_EXPIRED` for the token; those of `uploadFile`, after which another ticket is needed.
    async fn complete_upload(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ticket's.")] upload_token: String,
    ) -> Option<AppResult<MediaPayload>> {
        let permit = ctx.data_opt::<MutationPermit>();
        mutation(ctx, async { service::uploads::complete(ctx.scope()?, &upload_token, permit).await }, Into::into).await
    }

    /// Deletes a file of the viewer's. User errors: `NOT_FOUND`, `CONFLICT` while something shows it, such as an avatar.
    async fn delete_file(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file's global id.")] id: ID,
    ) -> Option<AppResult<DeletePayload>> {
        let delete = async { service::delete_file(ctx.scope()?, mutation_id(MediaId::parse, &id, "id")?).await };
        mutation(ctx, delete, |()| DeletePayload::deleted(id.clone())).await
    }
}
