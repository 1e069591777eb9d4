//! Days of events past the retention are dropped, by the leader, on a connection of its own: a session that holds a
//! day, such as a dump of the database, delays its dropping and nothing else.
//!
//! A drop locks `events` for all others. So it waits for that lock a tenth of a second at most, and is tried again a minute
//! later. Before a day goes, `event_stream.dropped_through` says so: a reader that comes too late is refused, and never gets
//! a gap. A clock that jumps ahead takes nothing: a day is over when both the database's clock and the leader's say so, and in
//! an hour two days go at most.

use std::sync::Arc;
use std::time::Duration;

use chrono::{Days, NaiveDate, NaiveTime};
use diesel_async::SimpleAsyncConnection;

use super::{Events, partitions, store};
use crate::db::{connect_outside_pool, within};
use crate::error::AppResult;

/// How often days are looked for that are past the retention.
const INTERVAL: Duration = Duration::from_hours(1);

/// After so long a day that could not be dropped is tried again.
const RETRY_INTERVAL: Duration = Duration::from_mins(1);

/// Days that are dropped at one look.
const DAY_LIMIT: usize = 2;

/// A look that takes longer means that the connection is dead.
const LOOK_TIMEOUT: Duration = Duration::from_mins(5);

const SESSION_SETTINGS: &str = "set application_name = 'plaza retention'; set timezone = 'UTC'; \
     set statement_timeout = '60s'; set lock_timeout = '100ms'";

/// Drops what is past the retention, now and then, until it is aborted.
pub(super) async fn run(events: Arc<Events>) {
    loop {
        let today = events.clock.now().date_naive();
        let dropping = drop_expired(events.database.listen_url(), today, events.retention_days);
        let dropped = within(LOOK_TIMEOUT, dropping).await.flatten();
        if let Err(error) = &dropped {
            tracing::warn!(cause = %error.describe(), "a day of events past the retention was not dropped; trying again");
        }
        tokio::time::sleep(if dropped.is_ok() { INTERVAL } else { RETRY_INTERVAL }).await;
    }
}

/// Drops the oldest days past the retention, and returns how many went; `today` by this machine's clock.
///
/// # Errors
/// When the database fails, or another session holds a day.
pub async fn drop_expired(url: &str, today: NaiveDate, retention_days: u32) -> AppResult<usize> {
    let mut conn = connect_outside_pool(url, SESSION_SETTINGS).await?;
    let oldest_kept = store::get_today(&conn).await?.min(today) - Days::new(u64::from(retention_days));
    let days = store::list_days(&conn).await?;
    let expired = days.into_iter().filter_map(|name| partitions::day(&name).map(|day| (day, name)));
    let expired = expired.filter(|(day, _)| *day < oldest_kept).take(DAY_LIMIT);
    let mut dropped = 0;
    for (day, name) in expired {
        let end = (day + Days::new(1)).and_time(NaiveTime::MIN).and_utc();
        store::advance_dropped_through(&conn, end).await?;
        conn.batch_execute(&format!("drop table {name}")).await?;
        tracing::info!(partition = name, "dropped a day of events past the retention");
        dropped += 1;
    }
    Ok(dropped)
}
