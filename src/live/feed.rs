//! The tail of the stream: reads what is new, loads what of it is listened to here, hands it to the hub. One per instance.

use std::sync::Arc;
use std::time::Duration;

use crate::db::within;
use crate::error::{AppError, AppResult};
use crate::events::bus::postgres::{self, NotifyConnection};
use crate::events::model::StoredEvent;
use crate::events::store;
use crate::live::effects;
use crate::live::topics::Effects;
use crate::live::{Event, EventPayload, Live, load};

/// Events read in one go, at most.
const BATCH_LIMIT: i64 = 500;

/// A look without a wake-up, in case one was lost.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A read that takes longer means that the connection is dead, or the batch too large for a slow database.
const BATCH_TIMEOUT: Duration = Duration::from_secs(5);

/// As [`BATCH_TIMEOUT`], for a single event.
const SINGLE_TIMEOUT: Duration = Duration::from_secs(20);

/// How the feed goes on after a failure.
struct Pace {
    /// Until it connects again.
    pause: Duration,
    /// Events that it reads in one go: half as many after a read that took too long, and twice as many after one that did
    /// not, so that a slow database is never asked for the same events for ever.
    batch: i64,
}

impl Pace {
    const MIN_DELAY: Duration = Duration::from_millis(50);

    fn timeout(&self) -> Duration {
        if self.batch > 1 { BATCH_TIMEOUT } else { SINGLE_TIMEOUT }
    }

    fn faster(&mut self) {
        self.batch = (self.batch * 2).min(BATCH_LIMIT);
    }

    fn slower(&mut self) {
        self.batch = (self.batch / 2).max(1);
    }
}

/// Follows the stream until told to stop; reconnects by itself.
pub(super) async fn run(live: Arc<Live>) {
    let stop = &live.app.stop;
    let mut pace = Pace { pause: Pace::MIN_DELAY, batch: BATCH_LIMIT };
    while !stop.is_cancelled() {
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = follow(&live, &mut pace) => ended,
        };
        live.app.seen_people.follow(false);
        if let Err(error) = ended {
            tracing::warn!(cause = %error.describe(), "the event feed lost its connection; trying again");
        }
        tokio::time::sleep(pace.pause).await;
        pace.pause = (pace.pause * 2).min(Duration::from_secs(2));
    }
}

async fn follow(live: &Live, pace: &mut Pace) -> AppResult<()> {
    let conn = within(BATCH_TIMEOUT, postgres::listen(&live.app.events)).await??;
    pace.pause = Pace::MIN_DELAY;
    live.app.seen_people.follow(true);
    loop {
        loop {
            let Ok(more) = tokio::time::timeout(pace.timeout(), step(live, &conn, pace.batch)).await else {
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
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = conn.closed() => return Err(AppError::internal("the connection was closed")),
        }
    }
}

/// Takes in the next batch; true when there may be more.
async fn step(live: &Live, conn: &NotifyConnection, most: i64) -> AppResult<bool> {
    let app = &live.app;
    let head = live.hub.head();
    let rows = store::list_after(&conn.conn, head.position, head.not_before(), most).await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let is_full = rows.len() == usize::try_from(most).unwrap_or(usize::MAX);
    let effects = effects::load(&conn.conn, &live.hub, &rows).await?;
    for (session, reason) in &effects.sessions {
        app.revoked.insert(*session, *reason, app.clock.now());
    }
    for person in &effects.people {
        app.seen_people.forget(person);
    }
    let batch = load_heard(live, conn, rows, &effects).await?;
    live.hub.dispatch(batch, &effects);
    app.events.advance(live.hub.head());
    Ok(is_full)
}

/// The events with the payloads of those whose topics are listened to here; the others may never be asked for.
async fn load_heard(
    live: &Live,
    conn: &NotifyConnection,
    rows: Vec<StoredEvent>,
    effects: &Effects,
) -> AppResult<Vec<Event>> {
    let heard = live.hub.heard(rows.iter().map(StoredEvent::topic), effects.changes());
    let is_heard = |row: &StoredEvent| row.kind.is_public() && heard.contains(&row.topic());
    let wanted: Vec<&StoredEvent> = rows.iter().filter(|row| is_heard(row)).collect();
    let payloads: Vec<EventPayload> = load::load_payloads(&live.app, &conn.conn, &wanted).await?;
    let mut payloads = payloads.into_iter();
    let event = |row: StoredEvent| match is_heard(&row).then(|| payloads.next()).flatten() {
        Some(payload) => Event::loaded(row, payload),
        None => Event::stub(row),
    };
    Ok(rows.into_iter().map(event).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_read_in_smaller_parts_down_to_one() {
        let mut pace = Pace { pause: Pace::MIN_DELAY, batch: BATCH_LIMIT };
        let mut batches = Vec::new();
        for _ in 0..10 {
            batches.push(pace.batch);
            pace.slower();
        }
        assert_eq!(batches, [500, 250, 125, 62, 31, 15, 7, 3, 1, 1]);
        assert_eq!(pace.timeout(), SINGLE_TIMEOUT);
        for _ in 0..10 {
            pace.faster();
        }
        assert_eq!((pace.batch, pace.timeout()), (BATCH_LIMIT, BATCH_TIMEOUT));
    }
}
