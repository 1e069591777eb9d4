//! Runs due jobs ([`crate::jobs`]) on the leader, polled each second.

use std::sync::Arc;
use std::time::Duration;

use diesel_async::AsyncPgConnection;

use crate::app::App;
use crate::auth::Requester;
use crate::db::{connect_outside_pool, within};
use crate::domains::{chat, tasks};
use crate::error::AppResult;
use crate::ids::MessageId;
use crate::jobs::{self, Job, JobKind};
use crate::scope::Scope;

const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Timeout of one poll, for a dead connection.
const ROUND_TIMEOUT: Duration = Duration::from_mins(1);

/// Jobs per poll.
const BATCH_SIZE: i64 = 100;

const SESSION_SETTINGS: &str =
    "set application_name = 'plaza jobs'; set timezone = 'UTC'; set statement_timeout = '20s'";

/// Runs a job.
async fn perform(app: &Arc<App>, kind: JobKind, job: &Job) -> AppResult<()> {
    let scope = Scope::new(Arc::clone(app), Requester::anonymous());
    match kind {
        JobKind::FinishTask => tasks::service::lifecycle::finish_due(&scope, job).await,
        JobKind::TellReactions => chat::service::react::tell(&scope, MessageId(job.subject_id)).await,
    }
}

/// Polls while this instance leads, until the app stops.
pub(super) async fn run(app: Arc<App>) {
    let mut conn = None;
    while app.stop.run_until_cancelled(tokio::time::sleep(POLL_INTERVAL)).await.is_some() {
        if !app.events.is_leading() {
            conn = None;
            continue;
        }
        if let Err(error) = within(ROUND_TIMEOUT, run_due(&app, &mut conn)).await.flatten() {
            tracing::warn!(cause = %error.describe(), "could not read due jobs, retrying");
            conn = None;
        }
    }
}

/// Reads due jobs on a dedicated connection and runs them on the pool, one at a time.
async fn run_due(app: &Arc<App>, conn: &mut Option<AsyncPgConnection>) -> AppResult<()> {
    let conn = match conn {
        Some(conn) => conn,
        None => conn.insert(connect_outside_pool(app.database.listen_url(), SESSION_SETTINGS).await?),
    };
    loop {
        let due = jobs::list_due(conn, app.clock.now(), BATCH_SIZE).await?;
        for (kind, job) in &due {
            if app.stop.is_cancelled() {
                return Ok(());
            }
            if let Err(error) = perform(app, *kind, job).await {
                let (job_id, kind, subject) = (job.id, kind.name(), job.subject_id);
                tracing::warn!(cause = %error.describe(), job_id, kind, subject, failures = job.failures + 1, "job failed");
                jobs::record_failure(conn, job, app.clock.now()).await?;
            }
        }
        if due.len() < usize::try_from(BATCH_SIZE).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}
