//! All SQL of jobs.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::jobs;

/// A scheduled job.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = jobs)]
pub struct Job {
    /// Key.
    pub id: i64,
    /// Name of the kind.
    pub kind: String,
    /// Id of the subject.
    pub subject_id: i64,
    /// Failed attempts.
    pub failures: i32,
}

/// Inserts a job, or reschedules the one of this kind and subject.
pub async fn upsert(
    mut conn: &AsyncPgConnection,
    kind: &str,
    subject: i64,
    due_at: DateTime<Utc>,
) -> QueryResult<usize> {
    let row =
        (jobs::kind.eq(kind), jobs::subject_id.eq(subject), jobs::due_at.eq(due_at), jobs::next_try_at.eq(due_at));
    diesel::insert_into(jobs::table)
        .values(row)
        .on_conflict((jobs::kind, jobs::subject_id))
        .do_update()
        .set((
            jobs::due_at.eq(excluded(jobs::due_at)),
            jobs::next_try_at.eq(excluded(jobs::next_try_at)),
            jobs::failures.eq(0),
        ))
        .execute(&mut conn)
        .await
}

/// Deletes the job of this kind and subject.
pub async fn delete_of(mut conn: &AsyncPgConnection, kind: &str, subject: i64) -> QueryResult<usize> {
    let of_subject = jobs::table.filter(jobs::kind.eq(kind).and(jobs::subject_id.eq(subject)));
    diesel::delete(of_subject).execute(&mut conn).await
}

/// Deletes a job if it is due; false when it is not there, or not due.
pub async fn delete_due(mut conn: &AsyncPgConnection, id: i64, now: DateTime<Utc>) -> QueryResult<bool> {
    let due = jobs::table.filter(jobs::id.eq(id).and(jobs::due_at.le(now)));
    Ok(diesel::delete(due).execute(&mut conn).await? == 1)
}

/// Due jobs of these kinds, longest due first.
pub async fn list_due(
    mut conn: &AsyncPgConnection,
    kinds: &[&str],
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Job>> {
    let due = jobs::table.filter(jobs::next_try_at.le(now)).filter(jobs::kind.eq_any(kinds));
    due.order((jobs::next_try_at, jobs::id)).limit(limit).select(Job::as_select()).load(&mut conn).await
}

/// Counts a failure and sets the next attempt.
pub async fn record_failure(mut conn: &AsyncPgConnection, id: i64, next_try_at: DateTime<Utc>) -> QueryResult<usize> {
    diesel::update(jobs::table.find(id))
        .set((jobs::failures.eq(jobs::failures + 1), jobs::next_try_at.eq(next_try_at)))
        .execute(&mut conn)
        .await
}
