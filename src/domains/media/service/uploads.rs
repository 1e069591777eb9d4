//! Files that are sent straight to the storage: announced, sent with a signed address, looked at, and only then files.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::{count, put};
use crate::app::App;
use crate::clock::random_bytes;
use crate::domains::accounts::service::lock_viewer_shared;
use crate::domains::media::model::{Kept, Media, MediaError, NewUpload, Quota, Upload, UploadState};
use crate::domains::media::{policy, store};
use crate::error::{AppError, AppResult};
use crate::files::{Processed, Refused, Said, kind};
use crate::ids::UserId;
use crate::permit::MutationPermit;
use crate::scope::Scope;
use crate::validation::DomainError;

const PUT: &str = "plaza put-upload";
const COMPLETE: &str = "plaza complete-upload";

/// What an upload's tokens say; they differ in their audience.
#[derive(Clone, Serialize, Deserialize)]
struct Claims {
    /// The upload's key.
    sub: String,
    /// Its bytes.
    size: u64,
    /// Its media type.
    #[serde(rename = "type")]
    content_type: String,
    exp: i64,
}

/// What a client needs to send a file.
#[derive(Debug)]
pub struct Ticket {
    /// Where it sends it.
    pub upload_url: String,
    /// What it completes the upload with.
    pub upload_token: String,
    /// The headers that it sends along.
    pub content_type: &'static str,
    /// Where the file will be found.
    pub file_url: String,
    /// Until when it may be sent.
    pub expires_at: DateTime<Utc>,
}

/// What may be sent to an address of Plaza's own.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Whose it will be.
    pub owner: UserId,
    /// Where it goes in the storage.
    pub key: String,
    /// Exactly so many bytes.
    pub size: u64,
    /// Of exactly this type.
    pub content_type: String,
}

/// Where what was sent lies in the storage.
fn incoming_key(key: &str) -> String {
    format!("incoming/{key}")
}

/// Announces a file of the viewer's.
///
/// # Errors
/// `FILE_TYPE_NOT_ALLOWED`, `FILE_TOO_LARGE`, `TOO_MANY_FILES`, `RATE_LIMITED`.
pub async fn announce(scope: &Scope, name: &str, content_type: &str, size: i32) -> AppResult<Ticket> {
    let (app, viewer) = (&scope.app, scope.viewer()?.user_id);
    let size = policy::check_upload_size(size).map_err(|error| error.at("input.sizeBytes"))?;
    let kind =
        kind::by_name(content_type).ok_or_else(|| MediaError::Refused(Refused::NotAllowed).at("input.contentType"))?;
    count(scope, 1).await?;
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
    let mut conn = scope.db.write().await?;
    conn.transaction(async |conn| {
        if !store::occupy(conn, viewer, (1, size), quota).await? {
            return Err(AppError::from(MediaError::NoRoom(quota).at("input.sizeBytes")));
        }
        store::uploads::insert_upload(conn, &upload).await?;
        Ok(())
    })
    .await?;
    let sign = |audience: &str| {
        app.keys.sign(
            audience,
            &Claims {
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
        None => format!("{file_url}?token={}", sign(PUT)?),
    };
    Ok(Ticket { upload_url, upload_token: sign(COMPLETE)?, content_type: kind.content_type, file_url, expires_at })
}

fn quota(app: &App) -> Quota {
    policy::quota(app.config.upload_quota_mb)
}

/// What may be sent with a token to an upload's address; none when the token is not ours, over, or for another address,
/// when the upload is completed or was refused, and when its owner is suspended or gone.
///
/// # Errors
/// When the database fails.
pub async fn find_granted(app: &App, key: &str, token: &str) -> AppResult<Option<Granted>> {
    let claims = app.keys.read::<Claims>(token, PUT);
    let good = claims.filter(|claims| claims.sub == key && claims.exp > app.clock.now().timestamp());
    let Some(Claims { size, content_type, .. }) = good else { return Ok(None) };
    let conn = app.database.get().await?;
    let owner = store::uploads::find_open(&conn, key, app.clock.now()).await?;
    Ok(owner.map(|owner| Granted { owner, key: incoming_key(key), size, content_type }))
}

/// The last part of the address of the file that an upload became.
///
/// # Errors
/// When the database fails.
pub async fn find_result(app: &App, key: &str) -> AppResult<Option<String>> {
    let conn = app.database.get().await?;
    let found = store::uploads::find_result(&conn, key).await?;
    Ok(found.map(|(content, file_name)| policy::address(&content, &file_name)))
}

/// Makes what was sent a file of the viewer's. Asked again, it gives the same file. The mutation's permit is given back
/// while the file waits for its turn and is worked on.
///
/// # Errors
/// `CODE_INVALID`, `CODE_EXPIRED`, `NOT_FOUND` when nothing has come, and whatever is wrong with what came: after that
/// the upload is over.
pub async fn complete(scope: &Scope, token: &str, permit: Option<&MutationPermit>) -> AppResult<Media> {
    let (app, viewer) = (&scope.app, scope.viewer()?.user_id);
    let invalid = || AppError::from(MediaError::TokenInvalid.at("uploadToken"));
    let claims = app.keys.read::<Claims>(token, COMPLETE).ok_or_else(invalid)?;
    let conn = scope.db.read().await?;
    let upload = store::uploads::find_upload(&conn, viewer, &claims.sub).await?;
    drop(conn);
    let upload = match upload {
        Some(upload) if upload.state == UploadState::Done => return find_done(scope, &upload).await,
        Some(upload) if upload.state == UploadState::Open => upload,
        _ => return Err(invalid()),
    };
    if upload.expires_at + policy::GRACE <= app.clock.now() {
        return Err(MediaError::TokenExpired.at("uploadToken").into());
    }
    scope.db.release().await;
    let made = match look(scope, &upload, permit).await? {
        Ok(made) => made,
        Err(error @ MediaError::NotSent) => {
            // Or it was there a moment ago, and somebody else has just completed it.
            let now = store::uploads::find_upload(&*scope.db.read().await?, viewer, &claims.sub).await?;
            return match now.filter(|upload| upload.state == UploadState::Done) {
                Some(upload) => find_done(scope, &upload).await,
                None => Err(error.at("uploadToken").into()),
            };
        }
        Err(MediaError::Refused(Refused::Io(error))) => return Err(AppError::internal(error)),
        Err(error) => {
            refuse(scope, &upload).await?;
            return Err(error.at("uploadToken").into());
        }
    };
    let kept = put(scope, made, (&upload.file_name, "uploadToken")).await?;
    let finished = finish(scope, &upload, &kept).await;
    match finished {
        Ok(_) => discard(app, &upload).await,
        // What was sent stays, so that it can be completed once there is room.
        Err(_) => super::abandon(scope, std::slice::from_ref(&kept)).await,
    }
    finished
}

/// Takes what was sent out of the storage, and looks at it.
async fn look(
    scope: &Scope,
    upload: &Upload,
    permit: Option<&MutationPermit>,
) -> AppResult<Result<Processed, MediaError>> {
    let app = &scope.app;
    let key = incoming_key(&upload.key);
    let Some(size) = app.storage.size(&key).await? else { return Ok(Err(MediaError::NotSent)) };
    // The storage has seen to it already, if it is as good as its word.
    if i64::try_from(size) != Ok(upload.size_bytes) {
        return Ok(Err(MediaError::OtherSize(size, upload.size_bytes)));
    }
    let fresh = app.workshop.spool().file().map_err(AppError::internal)?;
    let Some(file) = app.storage.fetch(&key, fresh).await? else { return Ok(Err(MediaError::NotSent)) };
    let work = app.workshop.process(upload.owner_id, file, Said::Exactly(upload.content_type.clone()));
    let made = match permit {
        Some(permit) => permit.pause(work).await??,
        None => work.await?,
    };
    Ok(made.map_err(MediaError::Refused))
}

/// Makes the file, unless somebody else has just done so.
async fn finish(scope: &Scope, upload: &Upload, kept: &Kept) -> AppResult<Media> {
    let gone = || AppError::from(MediaError::TokenInvalid.at("uploadToken"));
    let mut conn = scope.db.write().await?;
    let made = conn
        .transaction(async |conn| {
            lock_viewer_shared(scope, conn).await?;
            let upload = store::uploads::lock_upload(conn, upload.id).await?.ok_or_else(gone)?;
            if upload.state != UploadState::Open {
                return Ok((None, upload));
            }
            // Room was taken for what was announced; a picture may have grown.
            store::vacate(conn, upload.owner_id, (1, upload.size_bytes)).await?;
            let media = super::add(scope, conn, kept).await?;
            store::uploads::update_upload(conn, upload.id, UploadState::Done, Some(media.file.id)).await?;
            Ok::<_, AppError>((Some(media), upload))
        })
        .await?;
    drop(conn);
    match made {
        (Some(media), _) => Ok(media),
        (None, upload) if upload.state == UploadState::Done => find_done(scope, &upload).await,
        _ => Err(gone()),
    }
}

/// The file that an upload became before.
async fn find_done(scope: &Scope, upload: &Upload) -> AppResult<Media> {
    let found = match upload.media_id {
        Some(id) => super::find_own(scope, id).await?,
        None => None,
    };
    found.ok_or_else(|| MediaError::TokenInvalid.at("uploadToken").into())
}

/// Ends an upload that was no good, and gives its room back.
async fn refuse(scope: &Scope, upload: &Upload) -> AppResult<()> {
    let mut conn = scope.db.write().await?;
    conn.transaction(async |conn| {
        let upload = store::uploads::lock_upload(conn, upload.id).await?;
        if let Some(upload) = upload.filter(|upload| upload.state == UploadState::Open) {
            store::vacate(conn, upload.owner_id, (1, upload.size_bytes)).await?;
            store::uploads::update_upload(conn, upload.id, UploadState::Refused, None).await?;
        }
        Ok::<_, AppError>(())
    })
    .await?;
    drop(conn);
    discard(&scope.app, upload).await;
    Ok(())
}

/// Takes what was sent out of the storage. What stays behind, or is sent once more, goes with the sweep.
async fn discard(app: &App, upload: &Upload) {
    if let Err(error) = app.storage.delete(&incoming_key(&upload.key)).await {
        tracing::warn!(cause = %error.describe(), "what was uploaded could not be taken out of the storage");
    }
}

/// Forgets uploads whose time is over, with what was sent.
///
/// # Errors
/// When the database or the storage fails.
pub async fn sweep(app: &App) -> AppResult<usize> {
    let before = app.clock.now() - policy::GRACE - policy::GRACE;
    let mut swept = 0;
    let mut conn = app.database.get().await?;
    loop {
        let over = store::uploads::list_over(&conn, before, super::sweeping::BATCH).await?;
        if over.is_empty() {
            return Ok(swept);
        }
        for upload in over {
            app.storage.delete(&incoming_key(&upload.key)).await?;
            conn.transaction(async |conn| {
                let upload = store::uploads::lock_upload(conn, upload.id).await?;
                if let Some(upload) = upload {
                    if upload.state == UploadState::Open {
                        store::vacate(conn, upload.owner_id, (1, upload.size_bytes)).await?;
                    }
                    store::uploads::delete_upload(conn, upload.id).await?;
                }
                Ok::<_, AppError>(())
            })
            .await?;
            swept += 1;
        }
    }
}
