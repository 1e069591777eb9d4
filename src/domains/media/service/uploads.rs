//! Direct uploads: announced with a ticket, sent to a signed URL, then completed: sanitised and added.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::{count_uploads, store_processed};
use crate::app::App;
use crate::clock::random_bytes;
use crate::domains::accounts::service::lock_viewer_shared;
use crate::domains::media::model::{Media, MediaError, NewUpload, Quota, StagedFile, Upload, UploadState};
use crate::domains::media::{policy, store};
use crate::error::{AppError, AppResult};
use crate::files::{DeclaredType, FileError, ProcessedFile, kind};
use crate::ids::UserId;
use crate::permit::MutationPermit;
use crate::scope::Scope;
use crate::validation::DomainError;

const PUT_AUDIENCE: &str = "plaza put-upload";
const COMPLETE_AUDIENCE: &str = "plaza complete-upload";

/// Claims of the two tokens of an upload, which differ in their audience.
#[derive(Clone, Serialize, Deserialize)]
struct UploadClaims {
    /// The upload's key.
    sub: String,
    /// Its bytes.
    size: u64,
    /// Its media type.
    #[serde(rename = "type")]
    content_type: String,
    exp: i64,
}

/// An upload ticket for a client.
#[derive(Debug)]
pub struct IssuedTicket {
    /// URL for the `PUT`.
    pub upload_url: String,
    /// Token for `completeUpload`.
    pub upload_token: String,
    /// Required `Content-Type`.
    pub content_type: &'static str,
    /// URL of the file after completion.
    pub file_url: String,
    /// Until when it may be sent.
    pub expires_at: DateTime<Utc>,
}

/// What a valid token allows to send to this server.
#[derive(Clone, Debug)]
pub struct UploadGrant {
    /// Owner of the upload.
    pub owner: UserId,
    /// Storage key.
    pub key: String,
    /// Exact size in bytes.
    pub size: u64,
    /// Exact media type.
    pub content_type: String,
}

/// Storage key of the received bytes.
fn incoming_key(key: &str) -> String {
    format!("incoming/{key}")
}

/// Announces a file of the viewer's.
///
/// # Errors
/// `FILE_TYPE_NOT_ALLOWED`, `FILE_TOO_LARGE`, `TOO_MANY_FILES`, `RATE_LIMITED`.
pub async fn announce(scope: &Scope, name: &str, content_type: &str, size: i32) -> AppResult<IssuedTicket> {
    let (app, viewer) = (&scope.app, scope.viewer()?.user_id);
    let size = policy::check_upload_size(size).map_err(|error| error.at("input.sizeBytes"))?;
    let kind =
        kind::by_name(content_type).ok_or_else(|| MediaError::File(FileError::NotAllowed).at("input.contentType"))?;
    count_uploads(scope, 1).await?;
    let now = app.clock.now();
    let key = URL_SAFE_NO_PAD.encode(random_bytes::<24>());
    let file_name = policy::clean_name(name, kind);
    let expires_at = now + policy::UPLOAD_LIFETIME;
    let upload = NewUpload {
        owner_id: viewer,
        key: &key,
        file_name: &file_name,
        content_type: kind.content_type,
        size_bytes: size,
        created_at: now,
        expires_at,
    };
    let quota = quota(app);
    scope
        .transaction(async |conn| {
            if !store::reserve_quota(conn, viewer, 1, size, quota).await? {
                return Err(AppError::from(MediaError::QuotaExceeded(quota).at("input.sizeBytes")));
            }
            store::uploads::insert_upload(conn, &upload).await?;
            Ok(())
        })
        .await?;
    let sign = |audience: &str| {
        app.keys.sign(
            audience,
            &UploadClaims {
                sub: key.clone(),
                size: size.unsigned_abs(),
                content_type: kind.content_type.into(),
                exp: expires_at.timestamp(),
            },
        )
    };
    let file_url = format!("{}/media/uploads/{key}", app.config.public_url);
    let lifetime = policy::UPLOAD_LIFETIME.to_std().unwrap_or_default();
    let upload_url = match app.storage.presign(&incoming_key(&key), kind.content_type, size.unsigned_abs(), lifetime) {
        Some(url) => url,
        None => format!("{file_url}?token={}", sign(PUT_AUDIENCE)?),
    };
    Ok(IssuedTicket {
        upload_url,
        upload_token: sign(COMPLETE_AUDIENCE)?,
        content_type: kind.content_type,
        file_url,
        expires_at,
    })
}

fn quota(app: &App) -> Quota {
    policy::quota(app.config.upload_quota_mb)
}

/// The grant of a token for an upload's URL. None if the token is forged, expired or for another URL, the upload not
/// open, or its owner suspended or deleted.
pub async fn find_grant(app: &App, key: &str, token: &str) -> AppResult<Option<UploadGrant>> {
    let claims = app.keys.read::<UploadClaims>(token, PUT_AUDIENCE);
    let good = claims.filter(|claims| claims.sub == key && claims.exp > app.clock.now().timestamp());
    let Some(UploadClaims { size, content_type, .. }) = good else { return Ok(None) };
    let conn = app.database.get().await?;
    let owner = store::uploads::find_open(&conn, key, app.clock.now()).await?;
    Ok(owner.map(|owner| UploadGrant { owner, key: incoming_key(key), size, content_type }))
}

/// The last part of the URL of a completed upload's file.
pub async fn find_result(app: &App, key: &str) -> AppResult<Option<String>> {
    let conn = app.database.get().await?;
    let found = store::uploads::find_result(&conn, key).await?;
    Ok(found.map(|(content, file_name)| policy::address(&content, &file_name).into_owned()))
}

/// Completes an upload of the viewer's; idempotent. The mutation permit is released while the file is processed.
///
/// # Errors
/// `CODE_INVALID`, `CODE_EXPIRED`, `NOT_FOUND` before the bytes arrived; the errors of a rejected file, which end the
/// upload.
pub async fn complete(scope: &Scope, token: &str, permit: Option<&MutationPermit>) -> AppResult<Media> {
    let (app, viewer) = (&scope.app, scope.viewer()?.user_id);
    let invalid = || AppError::from(MediaError::TokenInvalid.at("uploadToken"));
    let claims = app.keys.read::<UploadClaims>(token, COMPLETE_AUDIENCE).ok_or_else(invalid)?;
    let upload = store::uploads::find_upload(&*scope.db.read().await?, viewer, &claims.sub).await?;
    let upload = match upload {
        Some(upload) if upload.state == UploadState::Done => return find_done(scope, &upload).await,
        Some(upload) if upload.state == UploadState::Open => upload,
        _ => return Err(invalid()),
    };
    if upload.expires_at + policy::UPLOAD_GRACE <= app.clock.now() {
        return Err(MediaError::TokenExpired.at("uploadToken").into());
    }
    scope.db.release().await;
    let processed = match inspect(scope, &upload, permit).await? {
        Ok(processed) => processed,
        Err(error @ MediaError::NotSent) => {
            // Or a concurrent call has just completed it.
            let now = store::uploads::find_upload(&*scope.db.read().await?, viewer, &claims.sub).await?;
            return match now.filter(|upload| upload.state == UploadState::Done) {
                Some(upload) => find_done(scope, &upload).await,
                None => Err(error.at("uploadToken").into()),
            };
        }
        Err(MediaError::File(FileError::Io(error))) => return Err(AppError::internal(error)),
        Err(error) => {
            reject(scope, &upload).await?;
            return Err(error.at("uploadToken").into());
        }
    };
    let staged = store_processed(scope, processed, &upload.file_name, "uploadToken").await?;
    let finished = finish(scope, &upload, &staged).await;
    match finished {
        Ok(_) => delete_incoming(app, &upload).await,
        // The bytes are kept, so that it can be completed once the quota allows.
        Err(_) => super::discard_staged(scope, std::slice::from_ref(&staged)).await,
    }
    finished
}

/// Fetches the received bytes and sanitises them.
async fn inspect(
    scope: &Scope,
    upload: &Upload,
    permit: Option<&MutationPermit>,
) -> AppResult<Result<ProcessedFile, MediaError>> {
    let app = &scope.app;
    let key = incoming_key(&upload.key);
    let Some(size) = app.storage.size(&key).await? else { return Ok(Err(MediaError::NotSent)) };
    // Signed into the URL, so the storage should have checked it.
    if i64::try_from(size) != Ok(upload.size_bytes) {
        return Ok(Err(MediaError::OtherSize(size, upload.size_bytes)));
    }
    let fresh = app.file_processor.temp_dir().file().map_err(AppError::internal)?;
    let Some(file) = app.storage.fetch(&key, fresh).await? else { return Ok(Err(MediaError::NotSent)) };
    let work = app.file_processor.process(upload.owner_id, file, DeclaredType::Required(upload.content_type.clone()));
    let processed = match permit {
        Some(permit) => permit.pause(work).await??,
        None => work.await?,
    };
    Ok(processed.map_err(MediaError::File))
}

/// Adds the file, or returns that of a concurrent completion.
async fn finish(scope: &Scope, upload: &Upload, staged: &StagedFile) -> AppResult<Media> {
    let gone = || AppError::from(MediaError::TokenInvalid.at("uploadToken"));
    let completed = scope
        .transaction(async |conn| {
            lock_viewer_shared(scope, conn).await?;
            let upload = store::uploads::lock_upload(conn, upload.id).await?.ok_or_else(gone)?;
            if upload.state != UploadState::Open {
                return Ok((None, upload));
            }
            // Replaces the reservation of the announced size: re-encoding changes it.
            store::release_quota(conn, upload.owner_id, 1, upload.size_bytes).await?;
            let media = super::add_file(scope, conn, staged).await?;
            store::uploads::update_upload(conn, upload.id, UploadState::Done, Some(media.file.id)).await?;
            Ok::<_, AppError>((Some(media), upload))
        })
        .await?;
    match completed {
        (Some(media), _) => Ok(media),
        (None, upload) if upload.state == UploadState::Done => find_done(scope, &upload).await,
        _ => Err(gone()),
    }
}

/// The file of a completed upload.
async fn find_done(scope: &Scope, upload: &Upload) -> AppResult<Media> {
    let found = match upload.media_id {
        Some(id) => super::find_own(scope, id).await?,
        None => None,
    };
    found.ok_or_else(|| MediaError::TokenInvalid.at("uploadToken").into())
}

/// Ends an upload as refused and releases its quota.
async fn reject(scope: &Scope, upload: &Upload) -> AppResult<()> {
    scope
        .transaction(async |conn| {
            let upload = store::uploads::lock_upload(conn, upload.id).await?;
            if let Some(upload) = upload.filter(|upload| upload.state == UploadState::Open) {
                store::release_quota(conn, upload.owner_id, 1, upload.size_bytes).await?;
                store::uploads::update_upload(conn, upload.id, UploadState::Refused, None).await?;
            }
            Ok::<_, AppError>(())
        })
        .await?;
    delete_incoming(&scope.app, upload).await;
    Ok(())
}

/// Deletes the received bytes; failures are logged and left to [`delete_expired`].
async fn delete_incoming(app: &App, upload: &Upload) {
    if let Err(error) = app.storage.delete(&incoming_key(&upload.key)).await {
        tracing::warn!(cause = %error.describe(), "could not delete a received upload");
    }
}

/// Deletes expired uploads and their bytes; returns how many.
pub async fn delete_expired(app: &App) -> AppResult<usize> {
    let before = app.clock.now() - policy::UPLOAD_GRACE - policy::UPLOAD_GRACE;
    let mut deleted = 0;
    let mut conn = app.database.get().await?;
    loop {
        let over = store::uploads::list_expired(&conn, before, super::cleanup::BATCH_SIZE).await?;
        if over.is_empty() {
            return Ok(deleted);
        }
        for upload in over {
            app.storage.delete(&incoming_key(&upload.key)).await?;
            conn.transaction(async |conn| {
                let upload = store::uploads::lock_upload(conn, upload.id).await?;
                if let Some(upload) = upload {
                    if upload.state == UploadState::Open {
                        store::release_quota(conn, upload.owner_id, 1, upload.size_bytes).await?;
                    }
                    store::uploads::delete_upload(conn, upload.id).await?;
                }
                Ok::<_, AppError>(())
            })
            .await?;
            deleted += 1;
        }
    }
}
