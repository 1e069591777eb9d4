//! Sending who is typing and who is online by NOTIFY, on a connection of its own that is open only while there is something to tell.
//!
//! A commit that notifies takes a lock that all such commits of the cluster share: so what comes within an interval goes in one
//! commit, and none of them waits for a disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// How often it is looked who has left.
const PRESENCE_INTERVAL: Duration = Duration::from_millis(500);

const SESSION_SETTINGS: &str = "set application_name = 'plaza ephemeral'; set synchronous_commit = off";

/// Sends what users of this instance do, until told to stop.
pub(in crate::events) async fn relay(events: Arc<Events>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = send(&events) => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(cause = %error.describe(), "other instances can't be told just now who types and is online");
            // Too old by the time the connection is back. Who is online is told again anyway.
            drop(events.typing.take_payloads());
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }
}

async fn send(events: &Events) -> AppResult<()> {
    queued(events).await;
    let connecting = connect_outside_pool(events.database.listen_url(), SESSION_SETTINGS);
    let conn = within(SEND_TIMEOUT, connecting).await??;
    loop {
        let (typing, presence) = (events.typing.take_payloads(), events.presence.take_payloads());
        if !typing.is_empty() || !presence.is_empty() {
            within(SEND_TIMEOUT, store::notify_ephemeral(&conn, &typing, &presence)).await??;
        }
        tokio::time::sleep(SEND_INTERVAL).await;
        if tokio::time::timeout(IDLE_TIMEOUT, queued(events)).await.is_err() {
            return Ok(());
        }
    }
}

async fn queued(events: &Events) {
    tokio::select! {
        () = events.typing.queued() => {}
        () = events.presence.queued() => {}
    }
}

/// Lets users leave, and those of instances that are no longer heard, until told to stop.
pub(in crate::events) async fn keep_presence(events: Arc<Events>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(PRESENCE_INTERVAL)).await.is_some() {
        events.presence.tick(Instant::now(), events.clock.now());
    }
}
