//! Files of a user's that have another one's content.

use crate::domains::media::model::{MediaError, NewFile};
use crate::domains::media::{policy, store};
use crate::error::AppResult;
use crate::ids::{BlobId, MediaId};
use crate::scope::Scope;
use crate::validation::DomainError;

/// A file of the viewer's with the content and name of another user's: one that they have, or a new one. Also whether it is new.
/// That the viewer sees the other one is for the caller to know.
///
/// # Errors
/// `NOT_FOUND` where the other file is gone, `TOO_MANY_FILES` over the quota; at `path`.
pub async fn copy_to_viewer(scope: &Scope, source: MediaId, path: &str) -> AppResult<(MediaId, bool)> {
    let owner = scope.viewer()?.user_id;
    let quota = policy::quota(scope.app.config.upload_quota_mb);
    let now = scope.app.clock.now();
    scope
        .transaction(async |conn| {
            // Lock order: quota before file, as in `add_file`. What is had already is looked for behind that lock, which the first
            // file of a user makes.
            store::reserve_quota(conn, owner, 0, 0, quota).await?;
            if let Some(known) = store::find_copy(conn, owner, source).await? {
                return Ok((known, false));
            }
            let original = store::find_original(conn, source).await?.ok_or(MediaError::NoSuchFile.at(path))?;
            if !store::reserve_quota(conn, owner, 1, original.size_bytes, quota).await? {
                return Err(MediaError::QuotaExceeded(quota).at(path).into());
            }
            let file = NewFile {
                owner_id: owner,
                blob_id: original.blob_id,
                thumbnail_id: original.thumbnail_id,
                width: original.width,
                height: original.height,
                file_name: &original.file_name,
                created_at: now,
            };
            let copy = store::insert_media(conn, &file).await?;
            let blobs: Vec<BlobId> = std::iter::once(original.blob_id).chain(original.thumbnail_id).collect();
            store::blobs::count_uses(conn, &blobs, 1, now).await?;
            Ok((copy.id, true))
        })
        .await
}
