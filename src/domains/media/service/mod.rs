//! Use cases of media: files here; those that are sent straight to the storage ([`uploads`]), and what is over
//! ([`sweeping`]), apart.

pub mod sweeping;
pub mod uploads;

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::model::{Blob, Kept, Media, MediaError, NewBlob, NewFile, Sent, Takes};
use super::{policy, store};
use crate::app::App;
use crate::db::violated_constraint;
use crate::error::{AppError, AppResult, UserError};
use crate::files::{Made, Processed, Refused, Said};
use crate::ids::{BlobId, MediaId, UserId};
use crate::page::{Page, PageRequest};
use crate::rates;
use crate::scope::Scope;
use crate::validation::DomainError;

/// Bytes of the keyed hash that a content is called by.
const NAME_BYTES: usize = 24;

/// Where a content lies in the storage.
#[must_use]
pub fn blob_key(name: &str) -> String {
    format!("blobs/{}/{name}", name.get(..2).unwrap_or_default())
}

/// Takes files of the viewer's, all or none, and returns them in their order.
///
/// # Errors
/// `FILE_TYPE_NOT_ALLOWED`, `FILE_TOO_LARGE`, `INVALID_INPUT`, `TOO_MANY_FILES`, `RATE_LIMITED`, at the paths given.
pub async fn upload_files(scope: &Scope, sent: Vec<Sent>) -> AppResult<Vec<Media>> {
    let kept = keep(scope, sent, Takes::Anything).await?;
    let mut conn = scope.db.write().await?;
    let added = conn
        .transaction(async |conn| {
            let mut files = Vec::with_capacity(kept.len());
            for kept in &kept {
                files.push(add(scope, conn, kept).await?);
            }
            Ok(files)
        })
        .await;
    drop(conn);
    if added.is_err() {
        abandon(scope, &kept).await;
    }
    added
}

/// Looks at files, makes them fit to be served and puts them into the storage. They are nobody's until they are added;
/// until then, or for a day, they take up room there.
///
/// # Errors
/// As [`upload_files`].
pub async fn keep(scope: &Scope, sent: Vec<Sent>, takes: Takes) -> AppResult<Vec<Kept>> {
    let viewer = scope.viewer()?.user_id;
    let most = scope.app.config.transport.files;
    match sent.first() {
        None => return Err(MediaError::NoneGiven.at("files").into()),
        Some(_) if sent.len() > most => return Err(MediaError::TooMany(most).at("files").into()),
        Some(_) => {}
    }
    count(scope, sent.len()).await?;
    // What follows takes long: others may have the connection meanwhile.
    scope.db.release().await;
    let (mut processed, mut faults) = (Vec::new(), Vec::new());
    // One after the other: the same file may stand in several places, and has one position to be read from.
    for Sent { file, name, said, path } in sent {
        match scope.app.workshop.process(viewer, file, said.map_or(Said::Nothing, Said::Perhaps)).await? {
            Ok(made) if takes == Takes::Pictures && made.dimensions.is_none() => {
                faults.push(MediaError::NoPicture.at(&path));
            }
            Ok(made) => processed.push((made, name, path)),
            Err(Refused::Io(error)) => return Err(AppError::internal(error)),
            Err(refused) => faults.push(MediaError::Refused(refused).at(&path)),
        }
    }
    if !faults.is_empty() {
        return Err(AppError::User(faults));
    }
    let bytes = processed.iter().map(|(made, ..)| i64::try_from(made.main.size).unwrap_or(i64::MAX)).sum();
    let files = i32::try_from(processed.len()).unwrap_or(i32::MAX);
    let quota = policy::quota(scope.app.config.upload_quota_mb);
    // Decided when they are added; whoever has no room at all leaves nothing in the storage.
    if !store::has_room(&*scope.db.read().await?, viewer, (files, bytes), quota).await? {
        let path = processed.first().map(|(.., path)| path.split('.').next().unwrap_or_default());
        return Err(MediaError::NoRoom(quota).at(path.unwrap_or_default()).into());
    }
    let mut kept = Vec::with_capacity(processed.len());
    for (made, name, path) in processed {
        kept.push(put(scope, made, (&name, &path)).await?);
    }
    Ok(kept)
}

/// Lets go of what was kept and is not going to be a file, unless somebody else wants it.
pub async fn abandon(scope: &Scope, kept: &[Kept]) {
    let blobs = kept.iter().flat_map(|kept| std::iter::once(&kept.blob).chain(&kept.thumbnail));
    let wanted: Vec<_> = blobs.map(|blob| (blob.id, blob.wanted_at)).collect();
    // Somebody else may have wanted the same before, and be about to use it.
    let before = scope.app.clock.now() - policy::UNUSED_LIFETIME + policy::GRACE;
    let unwanted = async { Ok(store::blobs::unwant(&*scope.db.read().await?, &wanted, before).await?) };
    if let Err::<(), AppError>(error) = unwanted.await {
        tracing::warn!(cause = %error.describe(), "what was uploaded in vain stays for a day");
    }
}

/// As [`keep`], for a file that has to be a picture.
///
/// # Errors
/// As [`upload_files`], and `FILE_TYPE_NOT_ALLOWED` for what is no picture.
pub async fn keep_picture(scope: &Scope, sent: Sent) -> AppResult<Kept> {
    let kept = keep(scope, vec![sent], Takes::Pictures).await?;
    kept.into_iter().next().ok_or_else(|| AppError::internal("a file was lost"))
}

/// Counts files against what the viewer may upload in an hour.
async fn count(scope: &Scope, files: usize) -> AppResult<()> {
    let buckets = rates::of_viewer(&scope.requester, "files", scope.app.config.rates.files, policy::COUNTED)?;
    if buckets.is_empty() {
        return Ok(());
    }
    let conn = scope.db.read().await?;
    for _ in 0..files {
        rates::spend(&conn, &buckets, scope.app.clock.now()).await?;
    }
    Ok(())
}

/// Puts what was made into the storage.
async fn put(scope: &Scope, made: Processed, (name, path): (&str, &str)) -> AppResult<Kept> {
    let file_name = policy::clean_name(name, made.main.kind);
    let blob = put_blob(scope, made.main).await?;
    let thumbnail = match made.thumbnail {
        Some(thumbnail) => Some(put_blob(scope, thumbnail).await?),
        None => None,
    };
    Ok(Kept { blob, thumbnail, dimensions: made.dimensions, file_name, path: path.into() })
}

/// In digits and small letters alone: some folders know no others.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

async fn put_blob(scope: &Scope, made: Made) -> AppResult<Blob> {
    let app = &scope.app;
    let secret = app.keys.hash(&["blob", &hex(&made.sha256), made.kind.content_type]);
    let wanted = NewBlob {
        sha256: made.sha256.to_vec(),
        content_type: made.kind.content_type,
        name: format!("{}.{}", hex(secret.get(..NAME_BYTES).unwrap_or_default()), made.kind.extension),
        size_bytes: i64::try_from(made.size).unwrap_or(i64::MAX),
        wanted_at: app.clock.now(),
    };
    let blob = store::blobs::want_blob(&*scope.db.read().await?, &wanted).await?;
    if !blob.stored {
        // Whoever sends the same bytes now does so too: the storage has them twice in turn, which harms nothing.
        scope.db.release().await;
        app.storage.put(&blob_key(&blob.name), made.file).await?;
        store::blobs::mark_stored(&*scope.db.read().await?, blob.id).await?;
    }
    Ok(blob)
}

/// Makes what was kept a file of the viewer's, within the caller's transaction.
///
/// # Errors
/// `TOO_MANY_FILES` when they have no more room.
pub async fn add(scope: &Scope, conn: &mut AsyncPgConnection, kept: &Kept) -> AppResult<Media> {
    let quota = policy::quota(scope.app.config.upload_quota_mb);
    if !store::occupy(conn, scope.viewer()?.user_id, (1, kept.blob.size_bytes), quota).await? {
        return Err(MediaError::NoRoom(quota).at(&kept.path).into());
    }
    let now = scope.app.clock.now();
    let side = |pixels: u32| i32::try_from(pixels).ok();
    let file = NewFile {
        owner_id: scope.viewer()?.user_id,
        blob_id: kept.blob.id,
        thumbnail_id: kept.thumbnail.as_ref().map(|thumbnail| thumbnail.id),
        width: kept.dimensions.and_then(|(width, _)| side(width)),
        height: kept.dimensions.and_then(|(_, height)| side(height)),
        file_name: &kept.file_name,
        created_at: now,
    };
    let file = store::insert_media(conn, &file).await?;
    let blobs: Vec<BlobId> = std::iter::once(&kept.blob).chain(&kept.thumbnail).map(|blob| blob.id).collect();
    store::blobs::count_uses(conn, &blobs, 1, now).await?;
    let thumbnail = kept.thumbnail.as_ref().map(|thumbnail| thumbnail.name.clone());
    Ok(Media { file, blob: kept.blob.clone(), thumbnail })
}

/// Deletes a file of the viewer's.
///
/// # Errors
/// `NOT_FOUND`; `CONFLICT` while something shows it.
pub async fn delete_file(scope: &Scope, id: MediaId) -> AppResult<()> {
    let viewer = scope.viewer()?.user_id;
    let mut conn = scope.db.write().await?;
    conn.transaction(async |conn| {
        // Before the file, as whoever adds one does.
        store::vacate(conn, viewer, (0, 0)).await?;
        let deleted = store::delete_media(conn, viewer, id).await.map_err(shown)?;
        let (deleted, size) = deleted.ok_or_else(|| MediaError::NoSuchFile.at("id"))?;
        store::vacate(conn, viewer, (1, size)).await?;
        let blobs: Vec<BlobId> = std::iter::once(deleted.blob_id).chain(deleted.thumbnail_id).collect();
        store::blobs::count_uses(conn, &blobs, -1, scope.app.clock.now()).await?;
        Ok(())
    })
    .await
}

/// A foreign key that refuses a deletion is something that shows the file.
fn shown(error: diesel::result::Error) -> AppError {
    let shows = violated_constraint(&error).is_some_and(|name| name.ends_with("_fkey"));
    if shows { MediaError::Shown.at("id").into() } else { error.into() }
}

/// Deletes the files of somebody who leaves, but for those that others see, within the caller's transaction.
///
/// # Errors
/// When the database fails.
pub async fn forget(app: &App, conn: &mut AsyncPgConnection, owner: UserId) -> AppResult<()> {
    store::vacate(conn, owner, (0, 0)).await?;
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

/// Checks that a file is a picture of one of these people, for something that is going to show it.
///
/// # Errors
/// `NOT_FOUND` and `FILE_TYPE_NOT_ALLOWED`, at a path.
pub async fn check_picture(scope: &Scope, owners: &[UserId], id: MediaId, path: &str) -> AppResult<()> {
    let conn = scope.db.read().await?;
    let found = store::list_media(&conn, &[id]).await?;
    Ok(judge_picture(&found, owners, id, path)?)
}

/// Checks that files are pictures of somebody's, at the places of a list.
///
/// # Errors
/// As [`check_picture`], for each of them.
pub async fn check_pictures(scope: &Scope, owner: UserId, ids: &[MediaId], path: &str) -> AppResult<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let conn = scope.db.read().await?;
    let found = store::list_media(&conn, ids).await?;
    let judge = |(n, id): (usize, &MediaId)| judge_picture(&found, &[owner], *id, &format!("{path}.{n}")).err();
    let faults: Vec<UserError> = ids.iter().enumerate().filter_map(judge).collect();
    if faults.is_empty() { Ok(()) } else { Err(AppError::User(faults)) }
}

/// Holds files that are about to be shown, within the caller's transaction, before it takes out what shows others: who
/// deletes a file holds it first, and then looks at what shows it.
///
/// # Errors
/// `NOT_FOUND` for one that was deleted since it was looked at.
pub async fn lock_files(conn: &AsyncPgConnection, ids: &[MediaId], path: &str) -> AppResult<()> {
    if ids.is_empty() || store::lock_files(conn, ids).await?.len() == ids.len() {
        return Ok(());
    }
    Err(MediaError::NoSuchFile.at(path).into())
}

fn judge_picture(found: &[Media], owners: &[UserId], id: MediaId, path: &str) -> Result<(), UserError> {
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
    let conn = scope.db.read().await?;
    Ok(store::count_by_owner(&conn, viewer, bound).await?)
}

/// Files by id, for whoever may see what shows them. They never change and can't be deleted while shown, so those seen
/// lately are known without asking.
///
/// # Errors
/// When the database fails.
pub async fn load_media(scope: &Scope, ids: &[MediaId]) -> AppResult<HashMap<MediaId, Arc<Media>>> {
    let seen = &scope.app.seen_media;
    let mut found: HashMap<MediaId, Arc<Media>> = ids.iter().filter_map(|id| Some((*id, seen.get(id)?))).collect();
    let unseen: Vec<MediaId> = ids.iter().copied().filter(|id| !found.contains_key(id)).collect();
    if !unseen.is_empty() {
        found.extend(see(&scope.app, &*scope.db.read().await?, &unseen).await?);
    }
    Ok(found)
}

async fn see(app: &App, conn: &AsyncPgConnection, ids: &[MediaId]) -> AppResult<Vec<(MediaId, Arc<Media>)>> {
    let media = store::list_media(conn, ids).await?.into_iter().map(|media| (media.file.id, Arc::new(media)));
    Ok(media.inspect(|(id, media)| app.seen_media.insert(*id, Arc::clone(media))).collect())
}

/// Remembers files that many are about to see at once.
///
/// # Errors
/// When the database fails.
pub async fn foresee(app: &App, conn: &AsyncPgConnection, ids: &[MediaId]) -> AppResult<()> {
    let unseen: Vec<MediaId> = ids.iter().copied().filter(|id| !app.seen_media.contains_key(id)).collect();
    if !unseen.is_empty() {
        see(app, conn, &unseen).await?;
    }
    Ok(())
}
