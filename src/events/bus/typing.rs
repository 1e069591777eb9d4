//! Sending who is typing by NOTIFY, on a connection of its own that is open only while members type.
//!
//! A commit that notifies takes a lock that all such commits of the cluster share: so what comes within an interval goes in one
//! commit, and none of them waits for a disk.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::db::{connect_outside_pool, within};
use crate::error::AppResult;
use crate::events::{Events, store};

/// Notifications are sent at most once in this time.
const SEND_INTERVAL: Duration = Duration::from_millis(150);

/// One that takes longer means that the connection is dead.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// After a failure.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The connection is closed when nothing was sent for so long.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

const SESSION_SETTINGS: &str = "set application_name = 'plaza typing'; set synchronous_commit = off";

/// Sends what members of conversations do on this instance, until told to stop.
pub(in crate::events) async fn relay(events: Arc<Events>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = send(&events) => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(cause = %error.describe(), "other instances can't be told just now who is typing");
            // Too old by the time the connection is back.
            drop(events.typing.take_payloads());
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }
}

async fn send(events: &Events) -> AppResult<()> {
    events.typing.queued().await;
    let connecting = connect_outside_pool(events.database.listen_url(), SESSION_SETTINGS);
    let conn = within(SEND_TIMEOUT, connecting).await??;
    loop {
        let payloads = events.typing.take_payloads();
        if !payloads.is_empty() {
            within(SEND_TIMEOUT, store::notify_typing(&conn, &payloads)).await??;
        }
        tokio::time::sleep(SEND_INTERVAL).await;
        if tokio::time::timeout(IDLE_TIMEOUT, events.typing.queued()).await.is_err() {
            return Ok(());
        }
    }
}
