//! The tail of the stream: reads what is new, loads what it refers to, hands it to the hub. One per instance.

use std::sync::Arc;
use std::time::Duration;

use crate::db::within;
use crate::error::{AppError, AppResult};
use crate::events::bus::postgres::{self, Listener};
use crate::events::store;
use crate::live::event::Payload;
use crate::live::{Live, load};

/// Events read in one go, at most.
const BATCH: i64 = 500;

/// A look without a nudge, in case one was lost.
const POLL: Duration = Duration::from_secs(1);

/// A read that takes longer means that the connection is dead, or the batch too large for a slow database.
const PATIENCE: Duration = Duration::from_secs(5);

/// As [`PATIENCE`], for a single event.
const LAST_PATIENCE: Duration = Duration::from_secs(20);

/// How the feed goes on after a failure.
struct Pace {
    /// Until it connects again.
    pause: Duration,
    /// Events that it reads in one go: half as many after a read that took too long, and twice as many after one that did
    /// not, so that a slow database is never asked for the same events for ever.
    batch: i64,
}

impl Pace {
    const SHORTEST: Duration = Duration::from_millis(50);

    fn patience(&self) -> Duration {
        if self.batch > 1 { PATIENCE } else { LAST_PATIENCE }
    }

    fn faster(&mut self) {
        self.batch = (self.batch * 2).min(BATCH);
    }

    fn slower(&mut self) {
        self.batch = (self.batch / 2).max(1);
    }
}

/// Follows the stream until told to stop; reconnects by itself.
pub(super) async fn run(live: Arc<Live>) {
    let stop = &live.app.stop;
    let mut pace = Pace { pause: Pace::SHORTEST, batch: BATCH };
    while !stop.is_cancelled() {
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = follow(&live, &mut pace) => ended,
        };
        if let Err(error) = ended {
            tracing::warn!(cause = %error.describe(), "the event feed lost its connection; trying again");
        }
        tokio::time::sleep(pace.pause).await;
        pace.pause = (pace.pause * 2).min(Duration::from_secs(2));
    }
}

async fn follow(live: &Live, pace: &mut Pace) -> AppResult<()> {
    let listener = within(PATIENCE, postgres::listen(&live.app.events)).await??;
    pace.pause = Pace::SHORTEST;
    loop {
        loop {
            let Ok(more) = tokio::time::timeout(pace.patience(), step(live, &listener, pace.batch)).await else {
                pace.slower();
                return Err(AppError::internal(format!("reading took too long; next {} events at once", pace.batch)));
            };
            let more = more?;
            pace.faster();
            if !more {
                break;
            }
        }
        tokio::select! {
            () = live.app.events.advanced() => {}
            () = tokio::time::sleep(POLL) => {}
            () = listener.closed() => return Err(AppError::internal("the connection was closed")),
        }
    }
}

/// Takes in the next batch; true when there may be more.
async fn step(live: &Live, listener: &Listener, most: i64) -> AppResult<bool> {
    let app = &live.app;
    let head = live.hub.head();
    let rows = store::list_after(&listener.conn, head.position, head.not_before(), most).await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let full = rows.len() == usize::try_from(most).unwrap_or(usize::MAX);
    let batch = load::load(app, &listener.conn, rows).await?;
    for event in &batch {
        if let Payload::Session(session, reason) = event.payload {
            app.revoked.insert(session, reason, app.clock.now());
        }
    }
    live.hub.dispatch(batch);
    app.events.advance(live.hub.head());
    Ok(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_read_in_smaller_parts_down_to_one() {
        let mut pace = Pace { pause: Pace::SHORTEST, batch: BATCH };
        let mut batches = Vec::new();
        for _ in 0..10 {
            batches.push(pace.batch);
            pace.slower();
        }
        assert_eq!(batches, [500, 250, 125, 62, 31, 15, 7, 3, 1, 1]);
        assert_eq!(pace.patience(), LAST_PATIENCE);
        for _ in 0..10 {
            pace.faster();
        }
        assert_eq!((pace.batch, pace.patience()), (BATCH, PATIENCE));
    }
}
