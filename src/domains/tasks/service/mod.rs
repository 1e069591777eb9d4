//! Use cases of tasks: looking at them here; [`listing`], [`publishing`] and [`doing`] apart.

pub mod doing;
pub mod listing;
pub mod publishing;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::model::{Task, TaskAction, TaskCard, TaskError, TaskStatus};
use super::policy::{self, Asker};
use super::store;
use crate::change::Fault;
use crate::domains::accounts::model::Role;
use crate::domains::accounts::service::{hold_viewer, role_of};
use crate::error::{AppError, AppResult};
use crate::events::model::{Audience, NewEvent};
use crate::events::{EventKind, outbox};
use crate::idempotency::{self, Key};
use crate::ids::{TaskId, UserId};
use crate::scope::Scope;

/// Tasks by id, of those that the viewer may see; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_visible(scope: &Scope, ids: &[TaskId]) -> AppResult<HashMap<TaskId, Arc<TaskCard>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let viewer = scope.requester.viewer.map(|viewer| viewer.user_id);
    load_seen_by(&*scope.db.read().await?, viewer, ids).await
}

/// Tasks by id, of those that somebody may see.
///
/// # Errors
/// When the database fails.
pub async fn load_seen_by(
    conn: &AsyncPgConnection,
    viewer: Option<UserId>,
    ids: &[TaskId],
) -> AppResult<HashMap<TaskId, Arc<TaskCard>>> {
    let cards = store::list_visible(conn, ids, viewer).await?;
    Ok(cards.into_iter().map(|card| (card.task.id, Arc::new(card))).collect())
}

/// The tasks with these ids that can be found, for search.
///
/// # Errors
/// When the database fails.
pub async fn list_findable(conn: &AsyncPgConnection, ids: &[TaskId]) -> AppResult<Vec<Task>> {
    Ok(store::list_findable(conn, ids).await?)
}

/// Whether somebody has a task that is not over, for their leaving.
///
/// # Errors
/// When the database fails.
pub async fn is_busy(conn: &AsyncPgConnection, person: UserId) -> AppResult<bool> {
    Ok(store::is_busy(conn, person).await?)
}

/// Who asks to do something with a task: their role is looked at only where it matters.
async fn asker(scope: &Scope, conn: &AsyncPgConnection, task: &Task, action: TaskAction) -> AppResult<Asker> {
    let id = scope.viewer()?.user_id;
    let by_role = matches!(action, TaskAction::Edit | TaskAction::Cancel | TaskAction::Release);
    // A publisher who is an administrator may do what administrators may; and these see cancelled tasks.
    let matters = task.status == TaskStatus::Cancelled
        || (by_role && (task.publisher_id != id || task.status != TaskStatus::Open));
    let is_admin = matters && role_of(conn, id).await? == Role::Admin;
    Ok(Asker { id, is_admin, now: scope.app.clock.now() })
}

/// Holds a task for something that the viewer may do with it now; none when a mutation with this key was done before.
async fn hold_for(
    scope: &Scope,
    conn: &AsyncPgConnection,
    (id, action): (TaskId, TaskAction),
    key: Option<&Key>,
) -> AppResult<Option<Task>> {
    hold_viewer(scope, conn).await?;
    if idempotency::claim(scope, conn, key).await?.is_some() {
        return Ok(None);
    }
    let task = store::lock_task(conn, id).await?.ok_or_else(|| TaskError::NoSuchTask.at("id"))?;
    check(scope, conn, &task, action).await?;
    Ok(Some(task))
}

/// Whether the viewer may do something with a task now.
async fn check(scope: &Scope, conn: &AsyncPgConnection, task: &Task, action: TaskAction) -> AppResult<()> {
    let asker = asker(scope, conn, task, action).await?;
    policy::check(task, asker, action).map_err(|error| error.at("id").into())
}

/// What a mutation with this key is answered that was done before, for whoever may still see the task.
async fn replayed(scope: &Scope, conn: &AsyncPgConnection, id: TaskId) -> AppResult<TaskCard> {
    let cards = store::list_visible(conn, &[id], Some(scope.viewer()?.user_id)).await?;
    cards.into_iter().next().ok_or_else(|| TaskError::NoSuchTask.at("id").into())
}

/// A task as it is now.
async fn card(conn: &AsyncPgConnection, id: TaskId) -> AppResult<TaskCard> {
    let cards = store::list_cards(conn, &[id]).await?;
    cards.into_iter().next().ok_or_else(|| AppError::internal("a task is gone"))
}

/// Tells those whom a task concerns, before or after it changed, within the transaction.
async fn tell(conn: &AsyncPgConnection, task: &Task, before: Option<&Task>) -> AppResult<()> {
    let assignees = [task.assignee_id, before.and_then(|before| before.assignee_id)];
    let people: BTreeSet<UserId> = assignees.into_iter().flatten().chain([task.publisher_id]).collect();
    let event = |person: &UserId| NewEvent {
        subject_id: Some(task.id.0),
        ..NewEvent::new(EventKind::TaskChanged, Audience::User(*person))
    };
    outbox::insert(conn, &people.iter().map(event).collect::<Vec<_>>()).await
}
