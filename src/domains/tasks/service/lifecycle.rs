//! Doing tasks: of all who accept one, one does it; who submitted it is paid.

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;

use crate::domains::accounts::service::lock_viewer_exclusive;
use crate::domains::relations;
use crate::domains::tasks::model::{Expected, Resolution, Task, TaskAction, TaskCard, TaskChanges, TaskStatus};
use crate::domains::tasks::service::{Act, complete, find_replayed, follow_up, lock_for, lock_task, replayed, settle};
use crate::domains::tasks::{policy, store};
use crate::error::AppResult;
use crate::idempotency::Key;
use crate::ids::{TaskId, UserId};
use crate::jobs::{self, Job};
use crate::money::Money;
use crate::rate_limit;
use crate::scope::Scope;
use crate::validation::DomainError;

/// Accepts another user's open task, if it still is as expected.
///
/// # Errors
/// `NOT_FOUND`, `OWN_TASK`, `BLOCKED`, `TASK_NOT_OPEN`; `FORBIDDEN` for a person who had it before; `CONFLICT` when it was changed,
/// its deadline is over, its publisher is suspended, or the viewer has accepted too many; `RATE_LIMITED`.
pub async fn accept(scope: &Scope, id: TaskId, expected: Expected) -> AppResult<TaskCard> {
    let now = scope.app.clock.now();
    let buckets =
        rate_limit::viewer_buckets(scope.requester(), "takings", scope.app.config.rates.takings, TimeDelta::days(1))?;
    let act = Act { id, action: TaskAction::Accept, key: None };
    scope
        .transaction(async |conn| {
            // Alone: the same person's acceptances are counted one after the other.
            let viewer = lock_viewer_exclusive(scope, conn).await?;
            let Some(task) = lock_task(scope, conn, act).await? else {
                let card = replayed(scope, conn, id).await?;
                // Accepting it has changed when it was changed.
                policy::check_expected(&card.task, Expected { updated_at: None, ..expected })?;
                return Ok(card);
            };
            policy::check_expected(&task, expected)?;
            let blocks = relations::service::find_blocks(conn, viewer, task.publisher_id).await?;
            policy::check_blocks(blocks).map_err(|error| error.at("id"))?;
            rate_limit::consume(conn, &buckets, now).await?;
            let changes = TaskChanges {
                status: Some(TaskStatus::Accepted),
                assignee_id: Some(Some(viewer)),
                accepted_at: Some(Some(now)),
                former_assignee_id: Some(None),
                reopened_by: Some(None),
                updated_at: Some(now),
                ..TaskChanges::default()
            };
            let accepted = store::update_task(conn, id, &changes).await?;
            follow_up(scope, conn, &task, &accepted).await?;
            complete(conn, act).await
        })
        .await
}

/// Says that an accepted task of the viewer's is done. It is finished by itself after a time, unless its publisher finishes
/// it before, or either of the two disputes it.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`; `TOO_LONG` and `INVALID_INPUT` for the note.
pub async fn submit(scope: &Scope, id: TaskId, note: Option<String>) -> AppResult<TaskCard> {
    let now = scope.app.clock.now();
    let note = policy::check_submission_note(note)?;
    let changes = TaskChanges {
        status: Some(TaskStatus::Submitted),
        submitted_at: Some(Some(now)),
        submission_note: Some(note),
        finishes_at: Some(Some(now + scope.app.config.tasks.review_time)),
        updated_at: Some(now),
        ..TaskChanges::default()
    };
    let act = Act { id, action: TaskAction::Submit, key: None };
    scope
        .transaction(async |conn| {
            let Some(task) = lock_for(scope, conn, act).await? else {
                let card = replayed(scope, conn, id).await?;
                policy::check_submission(&card.task, changes.submission_note.as_ref())?;
                return Ok(card);
            };
            let submitted = store::update_task(conn, id, &changes).await?;
            follow_up(scope, conn, &task, &submitted).await?;
            complete(conn, act).await
        })
        .await
}

/// Gives up a task that the viewer does, so that another user can do it; a dispute over it ends with that.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`.
pub async fn abandon(scope: &Scope, id: TaskId) -> AppResult<TaskCard> {
    reopen(scope, id, TaskAction::Abandon).await
}

/// Takes an accepted task back: its publisher once its deadline is over, but not within a day, or seven days after it was
/// accepted where it has none; an administrator at any time.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`, `CONFLICT` before that.
pub async fn release(scope: &Scope, id: TaskId) -> AppResult<TaskCard> {
    reopen(scope, id, TaskAction::Release).await
}

async fn reopen(scope: &Scope, id: TaskId, action: TaskAction) -> AppResult<TaskCard> {
    let (viewer, now) = (scope.viewer()?.user_id, scope.app.clock.now());
    let act = Act { id, action, key: None };
    scope
        .transaction(async |conn| {
            let Some(task) = lock_for(scope, conn, act).await? else { return replayed(scope, conn, id).await };
            concede(conn, &task, viewer, Money::default(), now).await?;
            let reopened = store::update_task(conn, id, &opened_again(&task, viewer, now)).await?;
            follow_up(scope, conn, &task, &reopened).await?;
            complete(conn, act).await
        })
        .await
}

/// Ends the dispute over a task, if there is one, by the side that gives in.
async fn concede(conn: &AsyncPgConnection, task: &Task, by: UserId, paid: Money, at: DateTime<Utc>) -> AppResult<()> {
    if task.status == TaskStatus::Disputed {
        store::resolve_dispute(conn, task.id, Resolution { by, paid, note: None, at }).await?;
    }
    Ok(())
}

/// What changes when a task has no assignee any more. Who had it does not come back: else its publisher would wait, or
/// dispute, again and again.
fn opened_again(task: &Task, by: UserId, now: DateTime<Utc>) -> TaskChanges {
    let mut refused = task.refused_ids.clone();
    refused.push(task.assignee_id);
    TaskChanges {
        status: Some(TaskStatus::Open),
        assignee_id: Some(None),
        accepted_at: Some(None),
        submitted_at: Some(None),
        submission_note: Some(None),
        finishes_at: Some(None),
        former_assignee_id: Some(task.assignee_id),
        reopened_by: Some(Some(by)),
        refused_ids: Some(refused),
        updated_at: Some(now),
        ..TaskChanges::default()
    }
}

/// Says that a task is done: all of its reward goes to its assignee; a dispute over it ends with that.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`; those of a key.
pub async fn finish(scope: &Scope, id: TaskId, key: Option<String>) -> AppResult<TaskCard> {
    let (viewer, now) = (scope.viewer()?.user_id, scope.app.clock.now());
    let key = Key::new(viewer, "finishTask", key, &id)?;
    if let Some(done) = find_replayed(scope, key.as_ref()).await? {
        return Ok(done);
    }
    let act = Act { id, action: TaskAction::Finish, key: key.as_ref() };
    scope
        .transaction(async |conn| {
            let Some(task) = lock_for(scope, conn, act).await? else { return replayed(scope, conn, id).await };
            concede(conn, &task, viewer, task.price, now).await?;
            settle(scope, conn, &task, Some(viewer), task.price).await?;
            complete(conn, act).await
        })
        .await
}

/// Finishes a submitted task whose time has come, as its job asks for.
///
/// # Errors
/// When the database fails.
pub async fn finish_due(scope: &Scope, job: &Job) -> AppResult<()> {
    scope
        .transaction(async |conn| {
            let task = store::lock_task(conn, TaskId(job.subject_id)).await?;
            if !jobs::claim(conn, job, scope.app.clock.now()).await? {
                return Ok(());
            }
            match task.filter(|task| task.status == TaskStatus::Submitted) {
                Some(task) => settle(scope, conn, &task, None, task.price).await,
                None => Ok(()),
            }
        })
        .await
}
