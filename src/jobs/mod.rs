//! Scheduled work: what is to be done once its time has come, kept in the database.
//!
//! - A job is made in the transaction that makes it necessary ([`schedule`]), and deleted in the one that makes it needless
//!   ([`cancel`]) or does it ([`claim`]): it is done once, whichever server is killed when.
//! - The instance that sequences the events looks each second for jobs that are due. Two that do so for a moment do no
//!   harm: who claims a job second finds none.
//! - What a job is about is locked before the job is.
//! - A job that fails is tried again, after a second at first and ten minutes at last, and holds up no other.

mod store;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};

pub use store::Job;

use crate::app::App;
use crate::db::within;
use crate::error::{AppError, AppResult};

/// How often due jobs are looked for.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A round that takes longer means that a connection is dead.
const PATIENCE: Duration = Duration::from_mins(1);

/// Jobs that are read at once.
const BATCH_SIZE: i64 = 100;

const SESSION_SETTINGS: &str =
    "set application_name = 'plaza jobs'; set timezone = 'UTC'; set statement_timeout = '20s'";

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

/// Does what is due, again and again, while this instance leads and until the app stops. Kinds of job that this binary
/// doesn't know are left to those that do.
pub async fn run(app: Arc<App>, perform: impl AsyncFn(&App, JobKind, &Job) -> AppResult<()>) {
    let mut conn = None;
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
        if !app.events.is_leading() {
            conn = None;
            continue;
        }
        if let Err(error) = within(PATIENCE, run_due(&app, &mut conn, &perform)).await.flatten() {
            tracing::warn!(cause = %error.describe(), "due jobs were not read; trying again");
            conn = None;
        }
    }
}

/// Looks on a connection of its own; what is due is done on the pool's, one job at a time.
async fn run_due(
    app: &App,
    conn: &mut Option<AsyncPgConnection>,
    perform: &impl AsyncFn(&App, JobKind, &Job) -> AppResult<()>,
) -> AppResult<()> {
    let conn = match conn {
        Some(conn) => conn,
        None => conn.insert(connect(app).await?),
    };
    loop {
        let kinds = JobKind::ALL.map(JobKind::name);
        let due = store::list_due(conn, &kinds, app.clock.now(), BATCH_SIZE).await?;
        for job in &due {
            if app.stop.is_cancelled() {
                return Ok(());
            }
            let Some(kind) = JobKind::ALL.into_iter().find(|kind| kind.name() == job.kind) else { continue };
            if let Err(error) = perform(app, kind, job).await {
                let (job_id, kind, subject) = (job.id, kind.name(), job.subject_id);
                tracing::warn!(cause = %error.describe(), job_id, kind, subject, failures = job.failures + 1, "a job failed");
                store::put_off(conn, job.id, app.clock.now() + retry_after(job.failures)).await?;
            }
        }
        if due.len() < usize::try_from(BATCH_SIZE).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}

async fn connect(app: &App) -> AppResult<AsyncPgConnection> {
    let mut conn = AsyncPgConnection::establish(app.database.listen_url()).await.map_err(AppError::internal)?;
    conn.batch_execute(SESSION_SETTINGS).await?;
    Ok(conn)
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
