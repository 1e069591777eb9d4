//! `events` by day: partitions are made three days ahead, and dropped after the retention.
//!
//! A partition is made apart and attached, detached concurrently and then dropped: neither locks out the sequencer or
//! a reader. Before one goes, `event_stream.dropped_through` says so: a reader that comes too late is refused, and
//! never gets a gap. The sequencer's connection does it all, so no two do it at once.

use chrono::{Days, NaiveDate, NaiveTime};
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::AsyncPgConnection;

use super::store;
use crate::error::AppResult;

const AHEAD: u64 = 3;
const PREFIX: &str = "events_";

fn name(day: NaiveDate) -> String {
    format!("{PREFIX}{}", day.format("%Y%m%d"))
}

fn day(name: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(name.strip_prefix(PREFIX)?, "%Y%m%d").ok()
}

/// Whether an insert failed because its day has no partition: a violation of the table's partitioning, which names the
/// table but no constraint. (The message is in the server's language.)
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(DatabaseErrorKind::CheckViolation, info)
        if info.table_name() == Some("events") && info.constraint_name().is_none())
}

/// Makes the partitions from yesterday to three days ahead, and drops those past the retention.
///
/// # Errors
/// When the database fails.
pub async fn keep_up(conn: &AsyncPgConnection, retention_days: u32) -> AppResult<()> {
    let today = store::get_today(conn).await?;
    let existing = store::list_partitions(conn).await?;
    let first = today - Days::new(1);
    for offset in 0..=(AHEAD + 1) {
        let new = first + Days::new(offset);
        if !existing.iter().any(|(partition, _)| *partition == name(new)) {
            create(conn, new).await?;
        }
    }
    let oldest_kept = today - Days::new(u64::from(retention_days));
    for (partition, detaching) in &existing {
        if day(partition).is_some_and(|day| day < oldest_kept) {
            drop_one(conn, partition, *detaching, oldest_kept).await?;
        }
    }
    Ok(())
}

/// Makes one day's partition.
///
/// # Errors
/// When the database fails.
pub async fn create(conn: &AsyncPgConnection, day: NaiveDate) -> AppResult<()> {
    let (name, from, to) = (name(day), day, day + Days::new(1));
    store::execute_ddl(conn, format!("create table if not exists {name} (like events including all)")).await?;
    // The check spares the attach its scan.
    let check = format!("(at >= '{from} 00:00Z' and at < '{to} 00:00Z')");
    store::execute_ddl(
        conn,
        format!("alter table {name} drop constraint if exists {name}_day, add constraint {name}_day check {check}"),
    )
    .await?;
    let bounds = format!("from ('{from} 00:00Z') to ('{to} 00:00Z')");
    store::execute_ddl(conn, format!("alter table events attach partition {name} for values {bounds}")).await?;
    store::execute_ddl(conn, format!("alter table {name} drop constraint {name}_day")).await?;
    Ok(())
}

async fn drop_one(conn: &AsyncPgConnection, partition: &str, detaching: bool, oldest_kept: NaiveDate) -> AppResult<()> {
    store::advance_dropped_through(conn, oldest_kept.and_time(NaiveTime::MIN).and_utc()).await?;
    let how = if detaching { "finalize" } else { "concurrently" };
    store::execute_ddl(conn, format!("alter table events detach partition {partition} {how}")).await?;
    store::execute_ddl(conn, format!("drop table {partition}")).await?;
    tracing::info!(partition, "dropped a day of events past the retention");
    Ok(())
}
