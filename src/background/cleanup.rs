//! Hourly deletion of expired rows and files, on the leader.

use std::time::Duration;

use std::sync::Arc;

use crate::app::App;
use crate::domains::{accounts, media, nearby, search};
use crate::error::AppResult;
use crate::{idempotency, rate_limit};

const INTERVAL: Duration = Duration::from_hours(1);

pub(super) async fn run(app: Arc<App>) {
    // Local files, so on every instance, at startup.
    log_result("partial uploads", app.storage.delete_partial_uploads().await);
    while app.stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
        if app.events.is_leading() {
            delete_expired(&app).await;
        }
    }
}

async fn delete_expired(app: &App) {
    let (database, now) = (&app.database, app.clock.now());
    log_result("sessions", accounts::service::sessions::delete_expired_sessions(app).await);
    log_result("codes and captchas", accounts::service::codes::delete_expired_codes(app).await);
    log_result("uploads", media::service::uploads::delete_expired(app).await);
    log_result("contents of files", media::service::cleanup::delete_unused_blobs(app).await);
    log_result("words of search", search::service::delete_unused_words(app).await);
    log_result("cells asked from", nearby::service::delete_expired_asks(app).await);
    log_result("old positions", nearby::service::hide_old_positions(app).await);
    log_result("counts of attempts", rate_limit::delete_expired(database, now).await);
    log_result("idempotency keys", idempotency::delete_expired(database, now).await);
}

fn log_result(what: &str, deleted: AppResult<usize>) {
    match deleted {
        Ok(deleted) => tracing::debug!(what, deleted, "cleaned up"),
        Err(error) => tracing::warn!(what, cause = %error.describe(), "cleanup failed"),
    }
}
