//! Makes the words by which messages are found, on the leader, behind the stream.

use std::sync::Arc;
use std::time::Duration;

use diesel_async::AsyncPgConnection;

use crate::app::App;
use crate::db::{connect_outside_pool, within};
use crate::domains::chat;
use crate::error::AppResult;

const INTERVAL: Duration = Duration::from_millis(500);

/// A batch that takes longer means that the connection is dead.
const BATCH_TIMEOUT: Duration = Duration::from_mins(1);

const SESSION_SETTINGS: &str =
    "set application_name = 'plaza index'; set timezone = 'UTC'; set statement_timeout = '20s'";

pub(super) async fn run(app: Arc<App>) {
    let mut conn = None;
    while app.stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
        if !app.events.is_leading() {
            conn = None;
            continue;
        }
        if let Err(error) = index_all(&app, &mut conn).await {
            tracing::warn!(cause = %error.describe(), "words of messages are made later");
            conn = None;
        }
    }
}

/// One batch behind the other until all words are made, on a connection of its own.
async fn index_all(app: &Arc<App>, conn: &mut Option<AsyncPgConnection>) -> AppResult<()> {
    let conn = match conn {
        Some(conn) => conn,
        None => conn.insert(connect_outside_pool(app.database.listen_url(), SESSION_SETTINGS).await?),
    };
    while !app.stop.is_cancelled() {
        if !within(BATCH_TIMEOUT, chat::service::find::index_some(conn)).await.flatten()? {
            return Ok(());
        }
    }
    Ok(())
}
