//! The one sequencer: gives every committed event its place in the stream.
//!
//! Each instance tries to lead; PostgreSQL's advisory lock lets one. The moves run on the connection that holds the
//! lock, so losing the one ends the other, and the next instance goes on where the last commit left the stream.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::floor::Rise;
use super::{Events, partitions, retention, store};
use crate::db::within;
use crate::error::{AppError, AppResult};

/// How often an instance that doesn't lead tries to.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// A look without a wake-up, in case one was lost.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// From the end of a move to the next, so that a busy stream moves in few and large batches: what comes alone is moved at
/// once.
const MOVE_INTERVAL: Duration = Duration::from_millis(5);

/// A move that takes longer means that the connection is dead.
const MOVE_TIMEOUT: Duration = Duration::from_secs(20);

/// How often partitions are made, and the outbox's floor is let down.
const UPKEEP_INTERVAL: Duration = Duration::from_hours(1);
const UPKEEP_RETRY_INTERVAL: Duration = Duration::from_mins(1);

/// PostgreSQL notices within three seconds that a leader's machine is gone, and gives the lock free.
const SESSION_SETTINGS: &str = "set application_name = 'plaza sequencer'; set timezone = 'UTC'; set jit = off; \
     set statement_timeout = '20s'; set tcp_keepalives_idle = 1; set tcp_keepalives_interval = 1; set tcp_keepalives_count = 2";

/// Leads or waits to, until told to stop.
pub(super) async fn run(events: Arc<Events>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let ended = tokio::select! {
            () = stop.cancelled() => Ok(()),
            ended = lead(&events) => ended,
        };
        events.leading.store(false, Ordering::Relaxed);
        if let Err(error) = ended {
            tracing::warn!(cause = %error.describe(), "the sequencer lost its connection; trying again");
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }
}

async fn lead(events: &Arc<Events>) -> AppResult<()> {
    let url = events.database.listen_url();
    let mut conn = within(MOVE_TIMEOUT, AsyncPgConnection::establish(url)).await?.map_err(AppError::internal)?;
    within(MOVE_TIMEOUT, conn.batch_execute(&format!("{SESSION_SETTINGS}; {}", store::PLAN_SETTINGS))).await??;
    while !within(MOVE_TIMEOUT, store::try_lead(&conn)).await?? {
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
    tracing::info!("this instance sequences the events");
    events.leading.store(true, Ordering::Relaxed);
    // Ends with the leading.
    let _retention = AbortOnDropHandle::new(tokio::spawn(retention::run(Arc::clone(events))));
    let mut next_upkeep = Instant::now();
    let mut next_lowering = Instant::now() + UPKEEP_INTERVAL;
    let mut rise = within(MOVE_TIMEOUT, Rise::begin(&conn)).await??;
    loop {
        while move_batch(events, &conn).await? {}
        let moved_at = Instant::now();
        if Instant::now() >= next_upkeep {
            next_upkeep = Instant::now() + UPKEEP_INTERVAL;
            // They are made days ahead: what holds the table's definition now delays no event.
            if let Err(error) = within(MOVE_TIMEOUT, partitions::make_ahead(&conn)).await? {
                tracing::warn!(cause = %error.describe(), "days of events were not made ahead; trying again in a minute");
                next_upkeep = Instant::now() + UPKEEP_RETRY_INTERVAL;
            }
        }
        if Instant::now() >= next_lowering {
            next_lowering = Instant::now() + UPKEEP_INTERVAL;
            rise = within(MOVE_TIMEOUT, Rise::begin(&conn)).await??;
        }
        within(MOVE_TIMEOUT, rise.go_on(&conn)).await??;
        tokio::select! {
            () = events.outbox_written.notified() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
        tokio::time::sleep_until(moved_at + MOVE_INTERVAL).await;
    }
}

/// Moves a batch; true when there may be more.
async fn move_batch(events: &Arc<Events>, conn: &AsyncPgConnection) -> AppResult<bool> {
    let moved = match within(MOVE_TIMEOUT, store::move_batch(conn)).await? {
        Ok(moved) => moved,
        Err(error) if partitions::is_missing(&error) => {
            within(MOVE_TIMEOUT, partitions::make_ahead(conn)).await??;
            return Ok(true);
        }
        Err(error) => return Err(error.into()),
    };
    if moved > 0 {
        events.stream_advanced.notify_one();
    }
    Ok(store::is_whole_batch(moved))
}
