//! Doing tasks: of all who accept one, one does it; who finishes it is paid.

use super::{card, hold_for, replayed, tell};
use crate::domains::search::model::{SearchKind, boost_of_task};
use crate::domains::tasks::model::{TaskAction, TaskCard, TaskChanges, TaskStatus};
use crate::domains::tasks::store;
use crate::domains::wallet::model::Cause;
use crate::domains::{search, wallet};
use crate::error::{AppError, AppResult};
use crate::idempotency::{self, Key};
use crate::ids::TaskId;
use crate::scope::Scope;

/// Accepts an open task of somebody else's.
///
/// # Errors
/// `NOT_FOUND`, `OWN_TASK`, `TASK_NOT_OPEN`.
pub async fn accept(scope: &Scope, id: TaskId) -> AppResult<TaskCard> {
    advance(scope, id, TaskAction::Accept, None).await
}

/// Gives an accepted task up, so that somebody else can do it.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`.
pub async fn abandon(scope: &Scope, id: TaskId) -> AppResult<TaskCard> {
    advance(scope, id, TaskAction::Abandon, None).await
}

/// Takes an accepted task back: its publisher seven days after it was accepted, an administrator at any time.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`, `CONFLICT` before that.
pub async fn release(scope: &Scope, id: TaskId) -> AppResult<TaskCard> {
    advance(scope, id, TaskAction::Release, None).await
}

/// Says that a task is done: the reward goes to whoever did it.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`; those of a key.
pub async fn finish(scope: &Scope, id: TaskId, key: Option<String>) -> AppResult<TaskCard> {
    let key = Key::new(scope, "finishTask", key, &id)?;
    if let Some(done) = idempotency::earlier(scope, key.as_ref()).await? {
        return replayed(scope, &*scope.db.read().await?, TaskId(done)).await;
    }
    advance(scope, id, TaskAction::Finish, key.as_ref()).await
}

async fn advance(scope: &Scope, id: TaskId, action: TaskAction, key: Option<&Key>) -> AppResult<TaskCard> {
    let viewer = scope.viewer()?.user_id;
    let now = scope.app.clock.now();
    let changes = TaskChanges { updated_at: Some(now), ..TaskChanges::default() };
    let changes = match action {
        TaskAction::Accept => TaskChanges {
            status: Some(TaskStatus::Accepted),
            assignee_id: Some(Some(viewer)),
            accepted_at: Some(Some(now)),
            ..changes
        },
        TaskAction::Finish => {
            TaskChanges { status: Some(TaskStatus::Finished), finished_at: Some(Some(now)), ..changes }
        }
        _ => {
            TaskChanges { status: Some(TaskStatus::Open), assignee_id: Some(None), accepted_at: Some(None), ..changes }
        }
    };
    let mut conn = scope.db.write().await?;
    let card = conn
        .transaction(async |conn| {
            let Some(task) = hold_for(scope, conn, (id, action), key).await? else {
                return replayed(scope, conn, id).await;
            };
            let advanced = store::update_task(conn, id, &changes).await?;
            if let (TaskAction::Finish, Some(assignee)) = (action, task.assignee_id) {
                let reward = (task.publisher_id, assignee, task.price);
                wallet::service::pay_reward(scope, conn, reward, Cause::Payout(id), "id").await?;
            }
            tell(conn, &advanced, Some(&task)).await?;
            idempotency::complete(conn, key, id.0).await?;
            search::service::set_boost(conn, SearchKind::Task, id.0, boost_of_task(advanced.status)).await?;
            card(conn, id).await
        })
        .await?;
    scope.app.events.nudge();
    Ok::<_, AppError>(card)
}
