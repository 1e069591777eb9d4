//! Deletion of unused blobs.

use std::time::Duration;

use diesel_async::AsyncConnection;
use tokio::time::timeout;

use super::blob_key;
use crate::app::App;
use crate::domains::media::{policy, store};
use crate::error::{AppError, AppResult};

/// Rows per statement.
pub const BATCH_SIZE: i64 = 100;

/// Timeout of one deletion in the storage, during which the row is locked.
const DELETION_TIMEOUT: Duration = Duration::from_secs(6);

/// Deletes blobs without uses whose last claim is a day old; returns how many. First marks them as not stored, then
/// deletes each with its row locked. A claim in between stores the bytes anew, and the blob is skipped; a claim during
/// the deletion waits for the lock, then stores the bytes anew.
pub async fn delete_unused_blobs(app: &App) -> AppResult<usize> {
    let before = app.clock.now() - policy::UNUSED_LIFETIME;
    let mut conn = app.database.get().await?;
    let mut deleted = 0;
    loop {
        let marked = store::blobs::mark_for_deletion(&conn, before, BATCH_SIZE).await?;
        if marked.is_empty() {
            return Ok(deleted);
        }
        for id in marked {
            let gone = conn
                .transaction(async |conn| {
                    let Some(name) = store::blobs::lock_marked(conn, id, before).await? else { return Ok(false) };
                    let deleted = timeout(DELETION_TIMEOUT, app.storage.delete(&blob_key(&name))).await;
                    deleted.map_err(AppError::internal)??;
                    store::blobs::delete_blob(conn, id).await?;
                    Ok::<_, AppError>(true)
                })
                .await?;
            deleted += usize::from(gone);
        }
    }
}
