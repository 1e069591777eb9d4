//! Scheduled work: what is to be done once its time has come, kept in the database.
//!
//! - A job is made in the transaction that makes it necessary ([`schedule`]), and deleted in the one that makes it needless
//!   ([`cancel`]) or does it ([`claim`]): it is done once, whichever server is killed when.
//! - The leader looks each second for jobs that are due (`background::jobs`). Two that do so for a moment do no
//!   harm: who claims a job second finds none.
//! - What a job is about is locked before the job is.
//! - A job that fails is tried again, after a second at first and ten minutes at last, and holds up no other.

mod store;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;

pub use store::Job;

use crate::error::AppResult;

const LONGEST_RETRY: TimeDelta = TimeDelta::minutes(10);

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// A submitted task is finished; its subject is the task.
    FinishTask,
}

impl JobKind {
    const ALL: [Self; 1] = [Self::FinishTask];

    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FinishTask => "FINISH_TASK",
        }
    }
}

/// Schedules a job within the caller's transaction; one of the same kind and subject gets the new time.
///
/// # Errors
/// When the database fails.
pub async fn schedule(conn: &AsyncPgConnection, kind: JobKind, subject: i64, due_at: DateTime<Utc>) -> AppResult<()> {
    store::upsert(conn, kind.name(), subject, due_at).await?;
    Ok(())
}

/// Deletes a job that is needless now, within the caller's transaction.
///
/// # Errors
/// When the database fails.
pub async fn cancel(conn: &AsyncPgConnection, kind: JobKind, subject: i64) -> AppResult<()> {
    store::delete_of(conn, kind.name(), subject).await?;
    Ok(())
}

/// Takes a job to do it, within the transaction that does so; false when it was done, cancelled or put off meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn claim(conn: &AsyncPgConnection, job: &Job, now: DateTime<Utc>) -> AppResult<bool> {
    Ok(store::delete_due(conn, job.id, now).await?)
}

/// Jobs of the kinds that this binary knows whose time has come, the longest due first, `limit` at most. Kinds that only
/// newer binaries know are left to them.
///
/// # Errors
/// When the database fails.
pub async fn list_due(conn: &AsyncPgConnection, now: DateTime<Utc>, limit: i64) -> AppResult<Vec<(JobKind, Job)>> {
    let due = store::list_due(conn, &JobKind::ALL.map(JobKind::name), now, limit).await?;
    let kind_of = |job: &Job| JobKind::ALL.into_iter().find(|kind| kind.name() == job.kind);
    Ok(due.into_iter().filter_map(|job| Some((kind_of(&job)?, job))).collect())
}

/// Counts a failure, and lets the job be tried again later.
///
/// # Errors
/// When the database fails.
pub async fn put_off(conn: &AsyncPgConnection, job: &Job, now: DateTime<Utc>) -> AppResult<()> {
    store::put_off(conn, job.id, now + retry_after(job.failures)).await?;
    Ok(())
}

fn retry_after(failures: i32) -> TimeDelta {
    TimeDelta::seconds(1_i64 << failures.clamp(0, 10)).min(LONGEST_RETRY)
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
