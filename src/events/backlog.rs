//! How far the stream is behind: measured when asked, for `/readyz` and `/metrics`.

use super::{Events, store};
use crate::error::AppResult;

/// What waits, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Backlog {
    /// Events that wait for their place in the stream, counted up to 10,000.
    pub outbox: i64,
    /// Seconds since the oldest of them was written.
    pub outbox_seconds: f64,
    /// Events of the stream that have not come to this instance.
    pub feed: i64,
    /// Seconds since the first of them got its place.
    pub feed_seconds: f64,
}

impl Backlog {
    /// Why this instance is not ready, in a line, when something waits longer than so many seconds.
    #[must_use]
    pub fn standstill(&self, limit: u32) -> Option<String> {
        let limit = f64::from(limit);
        if self.outbox_seconds > limit {
            return Some(format!("events stand still: the oldest waits for {:.0} s\n", self.outbox_seconds));
        }
        let Self { feed, feed_seconds, .. } = self;
        (*feed_seconds > limit).then(|| format!("this instance is {feed} events and {feed_seconds:.0} s behind\n"))
    }
}

impl Events {
    /// Measures the backlog, which also shows whether the database answers.
    ///
    /// # Errors
    /// When it doesn't.
    pub async fn measure_backlog(&self) -> AppResult<Backlog> {
        let here = self.head();
        let conn = self.database.get().await?;
        let waiting = store::get_waiting(&conn, here.position + 1, here.not_before()).await?;
        // Clocks may differ by a little; an age is none below zero.
        let seconds = |age: Option<f64>| age.unwrap_or(0.0).max(0.0);
        Ok(Backlog {
            outbox: waiting.outbox,
            outbox_seconds: seconds(waiting.outbox_seconds),
            feed: (waiting.head - here.position).max(0),
            feed_seconds: seconds(waiting.feed_seconds),
        })
    }
}
