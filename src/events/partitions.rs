//! `events` by day: partitions are made three days ahead.
//!
//! A partition is made apart and attached, in one transaction: neither the sequencer nor a reader is locked out, and no other
//! session can hold what is not there yet. The leader makes them. [`super::retention`] drops them.

use chrono::{Days, NaiveDate};
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use super::store;
use crate::error::AppResult;

const AHEAD: u64 = 3;
const PREFIX: &str = "events_";

fn name(day: NaiveDate) -> String {
    format!("{PREFIX}{}", day.format("%Y%m%d"))
}

/// The day of a partition, by its name.
pub(super) fn day(name: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(name.strip_prefix(PREFIX)?, "%Y%m%d").ok()
}

/// Whether an insert failed because its day has no partition: a violation of the table's partitioning, which names the
/// table but no constraint. (The message is in the server's language.)
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(DatabaseErrorKind::CheckViolation, info)
        if info.table_name() == Some("events") && info.constraint_name().is_none())
}

/// Makes the partitions from yesterday to three days ahead.
///
/// # Errors
/// When the database fails, or another session holds the table's definition.
pub async fn make_ahead(conn: &AsyncPgConnection) -> AppResult<()> {
    let today = store::get_today(conn).await?;
    let existing = store::list_partitions(conn).await?;
    let first = today - Days::new(1);
    for offset in 0..=(AHEAD + 1) {
        let new = first + Days::new(offset);
        if !existing.contains(&name(new)) {
            create(conn, new).await?;
        }
    }
    Ok(())
}

/// Makes one day's partition.
///
/// # Errors
/// As [`make_ahead`].
pub async fn create(mut conn: &AsyncPgConnection, day: NaiveDate) -> AppResult<()> {
    let (name, from, to) = (name(day), day, day + Days::new(1));
    // Several statements in one message are one transaction.
    let statements = format!(
        "set local lock_timeout = '1s'; \
         create table if not exists {name} (like events including all); \
         alter table events attach partition {name} for values from ('{from} 00:00Z') to ('{to} 00:00Z')"
    );
    Ok(conn.batch_execute(&statements).await?)
}
