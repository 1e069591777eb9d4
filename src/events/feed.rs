//! The tail of the stream: reads what is new, loads what it refers to, hands it to the hub. One per instance.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::bus::postgres::{self, Listener};
use super::model::Payload;
use super::{hydrate, store};
use crate::app::App;
use crate::error::{AppError, AppResult};

/// Events read in one go.
const BATCH: i64 = 500;

/// A look without a nudge, in case one was lost.
const POLL: Duration = Duration::from_secs(1);

/// A read that takes longer means that the connection is dead.
const PATIENCE: Duration = Duration::from_secs(10);

/// Follows the stream until told to stop; reconnects by itself.
pub(super) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut pause = Duration::from_millis(50);
    while !stop.is_cancelled() {
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = follow(&app, &mut pause) => ended,
        };
        if let Err(error) = ended {
            tracing::warn!(cause = %error.describe(), "the event feed lost its connection; trying again");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

async fn follow(app: &Arc<App>, pause: &mut Duration) -> AppResult<()> {
    let listener = postgres::listen(app).await?;
    *pause = Duration::from_millis(50);
    loop {
        while tokio::time::timeout(PATIENCE, step(app, &listener)).await.map_err(AppError::internal)?? {}
        tokio::select! {
            () = app.events.moved.notified() => {}
            () = tokio::time::sleep(POLL) => {}
            () = listener.closed() => return Err(AppError::internal("the connection was closed")),
        }
    }
}

/// Takes in the next batch; true when there may be more.
async fn step(app: &Arc<App>, listener: &Listener) -> AppResult<bool> {
    let head = app.events.head_cursor();
    let rows = store::list_after(&listener.conn, head.position, head.not_before(), BATCH).await?;
    let Some(newest) = rows.last().map(|row| row.at) else { return Ok(false) };
    let full = rows.len() == usize::try_from(BATCH).unwrap_or(usize::MAX);
    let batch = hydrate::load(app, &listener.conn, rows).await?;
    for event in &batch {
        if let Payload::Session(session, reason) = event.payload {
            app.revoked.insert(session, reason, app.clock.now());
        }
    }
    let lag = (app.clock.now() - newest).num_milliseconds().max(0);
    app.events.lag_millis.store(lag, std::sync::atomic::Ordering::Relaxed);
    app.events.hub.dispatch(batch);
    Ok(full)
}
