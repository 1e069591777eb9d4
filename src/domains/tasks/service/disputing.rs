//! Disputes: opened by either side of a submitted task, decided by an administrator who has no part in it.

use diesel_async::AsyncPgConnection;

use super::{card, follow_up, hold_for, replayed, settle};
use crate::domains::tasks::model::{Dispute, Resolution, TaskAction, TaskCard, TaskChanges, TaskStatus};
use crate::domains::tasks::{policy, store};
use crate::error::{AppError, AppResult, UserErrorCode};
use crate::idempotency::{self, Key};
use crate::ids::TaskId;
use crate::money::Money;
use crate::scope::Scope;
use crate::validation::Fault;

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
    let mut conn = scope.db.write().await?;
    let card = conn
        .transaction(async |conn| {
            let held = hold_for(scope, conn, (id, TaskAction::Dispute), None).await;
            let task = match held {
                Ok(Some(task)) => task,
                Ok(None) => return replayed(scope, conn, id).await,
                Err(error) => return repeated(scope, conn, id, error, is_own).await,
            };
            let assignee = task.assignee_id.ok_or_else(|| AppError::internal("nobody does a submitted task"))?;
            store::insert_dispute(conn, (id, assignee), (viewer, &reason), now).await?;
            let disputed = store::update_task(conn, id, &changes).await?;
            follow_up(conn, &task, &disputed).await?;
            card(conn, id).await
        })
        .await?;
    scope.app.events.wake_sequencer();
    Ok::<_, AppError>(card)
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
    let key = Key::new(scope.viewer()?.user_id, "resolveTask", key, &(id, paid, note))?;
    if let Some(done) = idempotency::find_result(&scope.db, key.as_ref()).await? {
        return replayed(scope, &*scope.db.read().await?, TaskId(done)).await;
    }
    let note = policy::check_remark(note, "note")?;
    let (viewer, now) = (scope.viewer()?.user_id, scope.app.clock.now());
    let is_own = |dispute: &Dispute| {
        dispute.resolved_by == Some(viewer) && dispute.paid == Some(paid) && dispute.note.as_ref() == Some(&note)
    };
    let mut conn = scope.db.write().await?;
    let card = conn
        .transaction(async |conn| {
            let held = hold_for(scope, conn, (id, TaskAction::Resolve), key.as_ref()).await;
            let task = match held {
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
            settle(conn, &task, (Some(viewer), paid), now).await?;
            idempotency::complete(conn, key.as_ref(), id.0).await?;
            card(conn, id).await
        })
        .await?;
    scope.app.events.wake_sequencer();
    Ok::<_, AppError>(card)
}
