//! Scheduled jobs, stored in the database.
//!
//! - A job is inserted in the transaction that makes it necessary ([`schedule`]), and deleted in the one that makes it
//!   obsolete ([`cancel`]) or performs it ([`claim`]): exactly once, even if a server is killed.
//! - The leader polls for due jobs each second (`background::jobs`). Two leaders for a moment are harmless: the second
//!   claim fails.
//! - Lock order: the subject before the job.
//! - A failed job is retried with exponential backoff, from a second up to ten minutes, without blocking others.

mod store;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;

pub use store::Job;

use crate::error::AppResult;

const RETRY_INTERVAL_LIMIT: TimeDelta = TimeDelta::minutes(10);

/// Kind of job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// A submitted task is finished; its subject is the task.
    FinishTask,
    /// Members are told of reactions; its subject is the message.
    TellReactions,
}

impl JobKind {
    const ALL: [Self; 2] = [Self::FinishTask, Self::TellReactions];

    /// Name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FinishTask => "FINISH_TASK",
            Self::TellReactions => "TELL_REACTIONS",
        }
    }
}

/// Schedules or reschedules the job of a kind and subject, within the caller's transaction.
pub async fn schedule(conn: &AsyncPgConnection, kind: JobKind, subject: i64, due_at: DateTime<Utc>) -> AppResult<()> {
    store::upsert(conn, kind.name(), subject, due_at).await?;
    Ok(())
}

/// Cancels a job, within the caller's transaction.
pub async fn cancel(conn: &AsyncPgConnection, kind: JobKind, subject: i64) -> AppResult<()> {
    store::delete_of(conn, kind.name(), subject).await?;
    Ok(())
}

/// Claims a job, within the transaction that performs it; false if it was performed, cancelled or rescheduled meanwhile.
pub async fn claim(conn: &AsyncPgConnection, job: &Job, now: DateTime<Utc>) -> AppResult<bool> {
    Ok(store::delete_due(conn, job.id, now).await?)
}

/// Due jobs of known kinds, longest due first, up to `limit`. Unknown kinds are left to newer binaries.
pub async fn list_due(conn: &AsyncPgConnection, now: DateTime<Utc>, limit: i64) -> AppResult<Vec<(JobKind, Job)>> {
    let due = store::list_due(conn, &JobKind::ALL.map(JobKind::name), now, limit).await?;
    let kind_of = |job: &Job| JobKind::ALL.into_iter().find(|kind| kind.name() == job.kind);
    Ok(due.into_iter().filter_map(|job| Some((kind_of(&job)?, job))).collect())
}

/// Counts a failure and schedules the retry.
pub async fn record_failure(conn: &AsyncPgConnection, job: &Job, now: DateTime<Utc>) -> AppResult<()> {
    store::record_failure(conn, job.id, now + retry_after(job.failures)).await?;
    Ok(())
}

fn retry_after(failures: i32) -> TimeDelta {
    TimeDelta::seconds(1_i64 << failures.clamp(0, 10)).min(RETRY_INTERVAL_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_later_and_later() {
        let seconds: Vec<i64> = [0, 1, 5, 9, 10, 1000].map(|failures| retry_after(failures).num_seconds()).into();
        assert_eq!(seconds, [1, 2, 32, 512, 600, 600]);
    }
}
