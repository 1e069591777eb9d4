//! Files of a user's that have another one's content.

use super::insert_file;
use crate::domains::media::model::{MediaError, NewFile};
use crate::domains::media::{policy, store};
use crate::error::AppResult;
use crate::ids::MediaId;
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
    scope
        .transaction(async |conn| {
            // Lock order: quota before file, as in `add_file`. What is had already is looked for behind that lock, which the first
            // file of a user makes.
            store::reserve_quota(conn, owner, 0, 0, quota).await?;
            if let Some(known) = store::find_copy(conn, owner, source).await? {
                return Ok((known, false));
            }
            let original = store::find_original(conn, source).await?.ok_or(MediaError::NoSuchFile.at(path))?;
            let file = NewFile {
                owner_id: owner,
                blob_id: original.blob_id,
                thumbnail_id: original.thumbnail_id,
                width: original.width,
                height: original.height,
                file_name: &original.file_name,
                created_at: scope.app.clock.now(),
            };
            let copy = insert_file(scope, conn, &file, original.size_bytes, path).await?;
            Ok((copy.id, true))
        })
        .await
}
