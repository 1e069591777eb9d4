//! Disputes: opened by either side of a submitted task, decided by an administrator who has no part in it.

use diesel_async::AsyncPgConnection;

use crate::domains::tasks::model::{Dispute, NewDispute, Resolution, TaskAction, TaskCard, TaskChanges, TaskStatus};
use crate::domains::tasks::service::{Act, complete, find_replayed, follow_up, lock_for, replayed, settle};
use crate::domains::tasks::{policy, store};
use crate::error::{AppError, AppResult, UserErrorCode};
use crate::idempotency::{self, Key};
use crate::ids::TaskId;
use crate::money::Money;
use crate::scope::Scope;
use crate::validation::DomainError;

/// Disputes that a submitted task is done, or that it is accepted as such: an administrator decides.
///
/// # Errors
/// `REQUIRED`, `TOO_LONG` and `INVALID_INPUT` for the reason; `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`.
pub async fn dispute(scope: &Scope, id: TaskId, reason: &str) -> AppResult<TaskCard> {
    let reason = policy::check_remark(reason, "reason")?;
    let (viewer, now) = (scope.viewer()?.user_id, scope.app.clock.now());
    let is_own = |dispute: &Dispute| dispute.opened_by == viewer && dispute.reason == reason && is_open(dispute);
    let changes = TaskChanges {
        status: Some(TaskStatus::Disputed),
        finishes_at: Some(None),
        updated_at: Some(now),
        ..TaskChanges::default()
    };
    let act = Act { id, action: TaskAction::Dispute, key: None };
    scope
        .transaction(async |conn| {
            let task = match lock_for(scope, conn, act).await {
                Ok(Some(task)) => task,
                Ok(None) => return replayed(scope, conn, id).await,
                Err(error) => return repeated(scope, conn, id, error, is_own).await,
            };
            let assignee = task.assignee_id.ok_or_else(|| AppError::internal("a submitted task has no assignee"))?;
            let dispute =
                NewDispute { task_id: id, assignee_id: assignee, opened_by: viewer, reason: &reason, opened_at: now };
            store::insert_dispute(conn, &dispute).await?;
            let disputed = store::update_task(conn, id, &changes).await?;
            follow_up(scope, conn, &task, &disputed).await?;
            complete(conn, act).await
        })
        .await
}

fn is_open(dispute: &Dispute) -> bool {
    dispute.resolved_at.is_none()
}

/// The task as it is, where the viewer's last dispute or decision was this very one; else why it is refused.
async fn repeated(
    scope: &Scope,
    conn: &AsyncPgConnection,
    id: TaskId,
    refusal: AppError,
    is_own: impl Fn(&Dispute) -> bool,
) -> AppResult<TaskCard> {
    let is_over = matches!(&refusal, AppError::User(errors)
        if errors.iter().all(|error| error.code == UserErrorCode::IllegalTransition));
    if !is_over {
        return Err(refusal);
    }
    match store::list_disputes(conn, &[id]).await?.pop() {
        Some(last) if is_own(&last) => replayed(scope, conn, id).await,
        _ => Err(refusal),
    }
}

/// Decides a dispute: the assignee is paid all, a part or nothing of the reward, and the publisher gets the rest back. The
/// note is for both.
///
/// # Errors
/// `REQUIRED`, `TOO_LONG` and `INVALID_INPUT` for the note; `OUT_OF_RANGE` for more than the reward; `NOT_FOUND`; `FORBIDDEN`
/// but to administrators without a part in it; `ILLEGAL_TRANSITION`; those of a key.
pub async fn resolve(scope: &Scope, id: TaskId, paid: Money, note: &str, key: Option<String>) -> AppResult<TaskCard> {
    let (viewer, now) = (scope.viewer()?.user_id, scope.app.clock.now());
    let key = Key::new(viewer, "resolveTask", key, &(id, paid, note))?;
    if let Some(done) = find_replayed(scope, key.as_ref()).await? {
        return Ok(done);
    }
    let note = policy::check_remark(note, "note")?;
    let is_own = |dispute: &Dispute| {
        dispute.resolved_by == Some(viewer) && dispute.paid == Some(paid) && dispute.note.as_ref() == Some(&note)
    };
    let act = Act { id, action: TaskAction::Resolve, key: key.as_ref() };
    scope
        .transaction(async |conn| {
            let task = match lock_for(scope, conn, act).await {
                Ok(Some(task)) => task,
                Ok(None) => return replayed(scope, conn, id).await,
                Err(error) => {
                    let card = repeated(scope, conn, id, error, is_own).await?;
                    idempotency::complete(conn, key.as_ref(), id.0).await?;
                    return Ok(card);
                }
            };
            policy::check_payment(paid, task.price).map_err(|error| error.at("payToAssignee"))?;
            let resolution = Resolution { by: viewer, paid, note: Some(&note), at: now };
            store::resolve_dispute(conn, id, resolution).await?;
            settle(scope, conn, &task, Some(viewer), paid).await?;
            complete(conn, act).await
        })
        .await
}
