//! Taking contents out of the storage that nobody uses.

use std::time::Duration;

use diesel_async::AsyncConnection;
use tokio::time::timeout;

use super::blob_key;
use crate::app::App;
use crate::domains::media::{policy, store};
use crate::error::{AppError, AppResult};

/// Rows looked at together.
pub const BATCH: i64 = 100;

/// How long the storage may take to delete one, while its row is held.
const DELETION: Duration = Duration::from_secs(6);

/// Deletes contents that nobody has wanted for a day: first it is said that the storage does not have them, then they
/// are deleted there while their row is held. Whoever wants one in between puts it there anew, and it is left alone;
/// whoever wants one meanwhile waits, and puts it there after that.
///
/// # Errors
/// When the database or the storage fails.
pub async fn sweep(app: &App) -> AppResult<usize> {
    let before = app.clock.now() - policy::UNUSED_LIFETIME;
    let mut conn = app.database.get().await?;
    let mut swept = 0;
    loop {
        let condemned = store::blobs::condemn_blobs(&conn, before, BATCH).await?;
        if condemned.is_empty() {
            return Ok(swept);
        }
        for id in condemned {
            let gone = conn
                .transaction(async |conn| {
                    let Some(name) = store::blobs::lock_condemned(conn, id, before).await? else { return Ok(false) };
                    let deleted = timeout(DELETION, app.storage.delete(&blob_key(&name))).await;
                    deleted.map_err(AppError::internal)??;
                    store::blobs::delete_blob(conn, id).await?;
                    Ok::<_, AppError>(true)
                })
                .await?;
            swept += usize::from(gone);
        }
    }
}
