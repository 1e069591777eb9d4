//! Use cases of media: multipart files here, [`copies`], direct uploads in [`uploads`], deletion of unused blobs in [`cleanup`].

pub mod cleanup;
pub mod copies;
pub mod uploads;

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::model::{AcceptedKinds, Blob, File, Media, MediaError, NewBlob, NewFile, StagedFile, UploadedFile};
use super::{policy, store};
use crate::app::App;
use crate::db::violated_constraint;
use crate::error::{AppError, AppResult, UserError};
use crate::files::{DeclaredType, EncodedFile, FileError, ProcessedFile};
use crate::ids::{BlobId, MediaId, UserId};
use crate::page::{Page, PageRequest};
use crate::rate_limit;
use crate::scope::Scope;
use crate::validation::DomainError;

/// Bytes of the keyed hash in a blob's name.
const NAME_BYTES: usize = 24;

/// Storage key of a blob.
#[must_use]
pub fn blob_key(name: &str) -> String {
    format!("blobs/{}/{name}", name.get(..2).unwrap_or_default())
}

/// Adds files of the viewer's, all or none, in their order.
///
/// # Errors
/// `FILE_TYPE_NOT_ALLOWED`, `FILE_TOO_LARGE`, `INVALID_INPUT`, `TOO_MANY_FILES`, `RATE_LIMITED`, at the paths given.
pub async fn upload_files(scope: &Scope, sent: Vec<UploadedFile>) -> AppResult<Vec<Media>> {
    let staged = stage(scope, sent, AcceptedKinds::Any).await?;
    let added = scope
        .transaction(async |conn| {
            let mut files = Vec::with_capacity(staged.len());
            for staged in &staged {
                files.push(add_file(scope, conn, staged).await?);
            }
            Ok(files)
        })
        .await;
    if added.is_err() {
        discard_staged(scope, &staged).await;
    }
    added
}

/// Sanitises files and stores their bytes, without adding rows. Blobs that are never added are deleted a day later.
///
/// # Errors
/// As [`upload_files`].
pub async fn stage(scope: &Scope, sent: Vec<UploadedFile>, accepted: AcceptedKinds) -> AppResult<Vec<StagedFile>> {
    let viewer = scope.viewer()?.user_id;
    let most = scope.app.config.transport.files;
    match sent.first() {
        None => return Err(MediaError::NoneGiven.at("files").into()),
        Some(_) if sent.len() > most => return Err(MediaError::TooMany(most).at("files").into()),
        Some(_) => {}
    }
    count_uploads(scope, sent.len()).await?;
    // Slow work follows: give the connection back.
    scope.db.release().await;
    let (mut processed, mut errors) = (Vec::new(), Vec::new());
    // Sequential: one file may be the value of several arguments, and handles share a read position.
    for UploadedFile { file, name, declared_type, path } in sent {
        match scope
            .app
            .file_processor
            .process(viewer, file, declared_type.map_or(DeclaredType::Unknown, DeclaredType::Hint))
            .await?
        {
            Ok(file) if accepted == AcceptedKinds::Pictures && file.dimensions.is_none() => {
                errors.push(MediaError::NoPicture.at(&path));
            }
            Ok(file) => processed.push((file, name, path)),
            Err(FileError::Io(error)) => return Err(AppError::internal(error)),
            Err(error) => errors.push(MediaError::File(error).at(&path)),
        }
    }
    if !errors.is_empty() {
        return Err(AppError::User(errors));
    }
    let bytes = processed.iter().map(|(file, ..)| i64::try_from(file.main.size).unwrap_or(i64::MAX)).sum();
    let files = i32::try_from(processed.len()).unwrap_or(i32::MAX);
    let quota = policy::quota(scope.app.config.upload_quota_mb);
    // A precheck, to store nothing for a full quota; the reservation in `add_file` decides.
    if !store::has_quota(&*scope.db.read().await?, viewer, files, bytes, quota).await? {
        let path = processed.first().map(|(.., path)| path.split('.').next().unwrap_or_default());
        return Err(MediaError::QuotaExceeded(quota).at(path.unwrap_or_default()).into());
    }
    let mut staged = Vec::with_capacity(processed.len());
    for (processed, name, path) in processed {
        staged.push(store_processed(scope, processed, &name, &path).await?);
    }
    Ok(staged)
}

/// Releases the claims on staged files that will not be added; errors are logged.
pub async fn discard_staged(scope: &Scope, staged: &[StagedFile]) {
    let blobs = staged.iter().flat_map(|staged| std::iter::once(&staged.blob).chain(&staged.thumbnail));
    let wanted: Vec<_> = blobs.map(|blob| (blob.id, blob.wanted_at)).collect();
    // Not at once: an earlier claim on the same blob may still be pending.
    let before = scope.app.clock.now() - policy::UNUSED_LIFETIME + policy::UPLOAD_GRACE;
    let release = async { Ok(store::blobs::release_claims(&*scope.db.read().await?, &wanted, before).await?) };
    if let Err::<(), AppError>(error) = release.await {
        tracing::warn!(cause = %error.describe(), "could not release a staged upload");
    }
}

/// [`stage`] for one picture.
///
/// # Errors
/// As [`upload_files`], and `FILE_TYPE_NOT_ALLOWED` for what is no picture.
pub async fn stage_picture(scope: &Scope, sent: UploadedFile) -> AppResult<StagedFile> {
    let staged = stage(scope, vec![sent], AcceptedKinds::Pictures).await?;
    staged.into_iter().next().ok_or_else(|| AppError::internal("a file was lost"))
}

/// Consumes the viewer's upload rate limit.
async fn count_uploads(scope: &Scope, files: usize) -> AppResult<()> {
    let buckets =
        rate_limit::viewer_buckets(scope.requester(), "files", scope.app.config.rates.files, policy::RATE_WINDOW)?;
    if buckets.is_empty() {
        return Ok(());
    }
    let conn = scope.db.read().await?;
    for _ in 0..files {
        rate_limit::consume(&conn, &buckets, scope.app.clock.now()).await?;
    }
    Ok(())
}

/// Stores a sanitised file and its thumbnail.
async fn store_processed(scope: &Scope, processed: ProcessedFile, name: &str, path: &str) -> AppResult<StagedFile> {
    let file_name = policy::clean_name(name, processed.main.kind);
    let blob = store_blob(scope, processed.main).await?;
    let thumbnail = match processed.thumbnail {
        Some(thumbnail) => Some(store_blob(scope, thumbnail).await?),
        None => None,
    };
    Ok(StagedFile { blob, thumbnail, dimensions: processed.dimensions, file_name, path: path.into() })
}

/// Lower case, as some file systems ignore case.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

async fn store_blob(scope: &Scope, file: EncodedFile) -> AppResult<Blob> {
    let app = &scope.app;
    let secret = app.keys.hash(&["blob", &hex(&file.sha256), file.kind.content_type]);
    let wanted = NewBlob {
        sha256: file.sha256.to_vec(),
        content_type: file.kind.content_type,
        name: format!("{}.{}", hex(secret.get(..NAME_BYTES).unwrap_or_default()), file.kind.extension),
        size_bytes: i64::try_from(file.size).unwrap_or(i64::MAX),
        wanted_at: app.clock.now(),
    };
    let blob = store::blobs::claim_blob(&*scope.db.read().await?, &wanted).await?;
    if !blob.stored {
        // Concurrent uploads of the same bytes both store them: harmless.
        scope.db.release().await;
        app.storage.put(&blob_key(&blob.name), file.file).await?;
        store::blobs::mark_stored(&*scope.db.read().await?, blob.id).await?;
    }
    Ok(blob)
}

/// Adds a staged file to the viewer's, within the caller's transaction.
///
/// # Errors
/// `TOO_MANY_FILES` over the quota.
pub async fn add_file(scope: &Scope, conn: &mut AsyncPgConnection, staged: &StagedFile) -> AppResult<Media> {
    let side = |pixels: u32| i32::try_from(pixels).ok();
    let file = NewFile {
        owner_id: scope.viewer()?.user_id,
        blob_id: staged.blob.id,
        thumbnail_id: staged.thumbnail.as_ref().map(|thumbnail| thumbnail.id),
        width: staged.dimensions.and_then(|dimensions| side(dimensions.width)),
        height: staged.dimensions.and_then(|dimensions| side(dimensions.height)),
        file_name: &staged.file_name,
        created_at: scope.app.clock.now(),
    };
    let file = insert_file(scope, conn, &file, staged.blob.size_bytes, &staged.path).await?;
    let thumbnail = staged.thumbnail.as_ref().map(|thumbnail| thumbnail.name.clone());
    Ok(Media { file, content: (&staged.blob).into(), thumbnail })
}

/// Adds a file whose blobs are there to its owner's, within their quota, and counts the uses of the blobs.
async fn insert_file(
    scope: &Scope,
    conn: &mut AsyncPgConnection,
    file: &NewFile<'_>,
    size_bytes: i64,
    path: &str,
) -> AppResult<File> {
    let quota = policy::quota(scope.app.config.upload_quota_mb);
    if !store::reserve_quota(conn, file.owner_id, 1, size_bytes, quota).await? {
        return Err(MediaError::QuotaExceeded(quota).at(path).into());
    }
    let inserted = store::insert_media(conn, file).await?;
    let blobs: Vec<BlobId> = std::iter::once(file.blob_id).chain(file.thumbnail_id).collect();
    store::blobs::count_uses(conn, &blobs, 1, file.created_at).await?;
    Ok(inserted)
}

/// Deletes a file of the viewer's.
///
/// # Errors
/// `NOT_FOUND`; `CONFLICT` while something shows it.
pub async fn delete_file(scope: &Scope, id: MediaId) -> AppResult<()> {
    let viewer = scope.viewer()?.user_id;
    scope
        .transaction(async |conn| {
            // Lock order: quota before file, as in `add_file`.
            store::release_quota(conn, viewer, 0, 0).await?;
            let deleted = store::delete_media(conn, viewer, id).await.map_err(still_shown)?;
            let (deleted, size) = deleted.ok_or_else(|| MediaError::NoSuchFile.at("id"))?;
            store::release_quota(conn, viewer, 1, size).await?;
            let blobs: Vec<BlobId> = std::iter::once(deleted.blob_id).chain(deleted.thumbnail_id).collect();
            store::blobs::count_uses(conn, &blobs, -1, scope.app.clock.now()).await?;
            Ok(())
        })
        .await
}

/// Maps a foreign key violation to [`MediaError::Shown`].
fn still_shown(error: diesel::result::Error) -> AppError {
    let shows = violated_constraint(&error).is_some_and(|name| name.ends_with("_fkey"));
    if shows { MediaError::Shown.at("id").into() } else { error.into() }
}

/// Deletes a user's files that nothing references, within the caller's transaction.
pub async fn delete_files_of(app: &App, conn: &mut AsyncPgConnection, owner: UserId) -> AppResult<()> {
    store::release_quota(conn, owner, 0, 0).await?;
    let deleted = store::delete_unshown(conn, owner).await?;
    let blobs: Vec<BlobId> =
        deleted.iter().flat_map(|file| std::iter::once(file.blob_id).chain(file.thumbnail_id)).collect();
    store::blobs::count_uses(conn, &blobs, -1, app.clock.now()).await?;
    store::recount(conn, owner).await?;
    Ok(())
}

/// A file of the viewer's.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_own(scope: &Scope, id: MediaId) -> AppResult<Option<Media>> {
    Ok(list_own(scope, &[id]).await?.pop())
}

/// A file of the viewer's that is about to be shown, kept in memory for those who will see it.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_own_to_show(scope: &Scope, id: MediaId) -> AppResult<Option<Arc<Media>>> {
    let found = find_own(scope, id).await?.map(Arc::new);
    if let Some(media) = &found {
        scope.app.seen_media.insert(id, Arc::clone(media));
    }
    Ok(found)
}

/// Files of the viewer's, by id.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn load_own(scope: &Scope, ids: &[MediaId]) -> AppResult<HashMap<MediaId, Arc<Media>>> {
    let found = list_own(scope, ids).await?;
    Ok(found.into_iter().map(|media| (media.file.id, Arc::new(media))).collect())
}

async fn list_own(scope: &Scope, ids: &[MediaId]) -> AppResult<Vec<Media>> {
    let viewer = scope.viewer()?.user_id;
    let mut found = store::list_media(&*scope.db.read().await?, ids).await?;
    found.retain(|media| media.file.owner_id == viewer);
    Ok(found)
}

/// Checks that a file is a picture of one of these owners.
///
/// # Errors
/// `NOT_FOUND` and `FILE_TYPE_NOT_ALLOWED`, at a path.
pub async fn check_picture(scope: &Scope, owners: &[UserId], id: MediaId, path: &str) -> AppResult<()> {
    let conn = scope.db.read().await?;
    let found = store::list_media(&conn, &[id]).await?;
    Ok(check_owned_picture(&found, owners, id, path)?)
}

/// Checks that files are pictures of an owner's; errors carry the index.
///
/// # Errors
/// As [`check_picture`], for each of them.
pub async fn check_pictures(scope: &Scope, owner: UserId, ids: &[MediaId], path: &str) -> AppResult<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let conn = scope.db.read().await?;
    let found = store::list_media(&conn, ids).await?;
    let check = |(n, id): (usize, &MediaId)| check_owned_picture(&found, &[owner], *id, &format!("{path}.{n}")).err();
    let errors: Vec<UserError> = ids.iter().enumerate().filter_map(check).collect();
    if errors.is_empty() { Ok(()) } else { Err(AppError::User(errors)) }
}

/// Locks files about to be referenced, within the caller's transaction. Before references are removed: a deletion also
/// locks the file first, then checks its references.
///
/// # Errors
/// `NOT_FOUND` for one that was deleted since it was checked.
pub async fn lock_files(conn: &AsyncPgConnection, ids: &[MediaId], path: &str) -> AppResult<()> {
    if ids.is_empty() || store::lock_files(conn, ids).await?.len() == ids.len() {
        return Ok(());
    }
    Err(MediaError::NoSuchFile.at(path).into())
}

fn check_owned_picture(found: &[Media], owners: &[UserId], id: MediaId, path: &str) -> Result<(), UserError> {
    let own = found.iter().find(|media| media.file.id == id && owners.contains(&media.file.owner_id));
    let own = own.ok_or_else(|| MediaError::NoSuchFile.at(path))?;
    if own.is_picture() { Ok(()) } else { Err(MediaError::NoPicture.at(path)) }
}

/// A page of the viewer's files.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list_files(scope: &Scope, page: &PageRequest<MediaId>) -> AppResult<Page<Media>> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read().await?;
    let rows = store::list_by_owner(&conn, viewer, page).await?;
    Ok(page.page(rows, |media| media.file.id))
}

/// How many files the viewer has, up to a bound.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count_files(scope: &Scope, bound: i64) -> AppResult<i64> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read_long().await?;
    Ok(store::count_by_owner(&conn, viewer, bound).await?)
}

/// Files by id, for viewers of what references them. Immutable and undeletable while referenced, so they are cached.
pub async fn load_media(scope: &Scope, ids: &[MediaId]) -> AppResult<HashMap<MediaId, Arc<Media>>> {
    let cached = &scope.app.seen_media;
    let mut found: HashMap<MediaId, Arc<Media>> = ids.iter().filter_map(|id| Some((*id, cached.get(id)?))).collect();
    let missing: Vec<MediaId> = ids.iter().copied().filter(|id| !found.contains_key(id)).collect();
    if !missing.is_empty() {
        found.extend(load_uncached(&scope.app, &*scope.db.read().await?, &missing).await?);
    }
    Ok(found)
}

async fn load_uncached(app: &App, conn: &AsyncPgConnection, ids: &[MediaId]) -> AppResult<Vec<(MediaId, Arc<Media>)>> {
    let media = store::list_media(conn, ids).await?.into_iter().map(|media| (media.file.id, Arc::new(media)));
    Ok(media.inspect(|(id, media)| app.seen_media.insert(*id, Arc::clone(media))).collect())
}

/// Fills the cache with files that many viewers are about to load at once.
pub async fn preload(app: &App, conn: &AsyncPgConnection, ids: &[MediaId]) -> AppResult<()> {
    let missing: Vec<MediaId> = ids.iter().copied().filter(|id| !app.seen_media.contains_key(id)).collect();
    if !missing.is_empty() {
        load_uncached(app, conn, &missing).await?;
    }
    Ok(())
}
