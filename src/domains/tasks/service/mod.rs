//! Use cases of tasks: looking at them here; [`list`], [`publish`], [`lifecycle`] and [`dispute`] apart.

pub mod dispute;
pub mod lifecycle;
pub mod list;
pub mod publish;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::model::{Dispute, Task, TaskAction, TaskCard, TaskChanges, TaskError, TaskStatus};
use super::policy::{self, TaskActor};
use super::store;
use crate::domains::accounts::model::Role;
use crate::domains::accounts::policy::access::RANK_OF_ADMINS;
use crate::domains::accounts::service::{lock_viewer_shared, role_of};
use crate::domains::search::model::SearchKind;
use crate::domains::wallet::model::{Cause, NewTransfer, RewardPayout};
use crate::domains::{search, wallet};
use crate::error::{AppError, AppResult};
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::idempotency::{self, Key};
use crate::ids::{TaskId, UserId};
use crate::jobs::{self, JobKind};
use crate::money::Money;
use crate::scope::Scope;
use crate::validation::DomainError;

/// Tasks by id, of those that the viewer may see; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_visible(scope: &Scope, ids: &[TaskId]) -> AppResult<HashMap<TaskId, Arc<TaskCard>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let viewer = scope.requester().viewer.map(|viewer| viewer.user_id);
    load_seen_by(&*scope.db.read().await?, viewer, ids).await
}

/// Tasks by id, of those that the viewer may see.
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

/// Tasks by id, in any state; callers check whether the viewer may see them.
///
/// # Errors
/// When the database fails.
pub async fn load_tasks(conn: &AsyncPgConnection, ids: &[TaskId]) -> AppResult<HashMap<TaskId, Arc<TaskCard>>> {
    let cards = store::list_cards(conn, ids).await?;
    Ok(cards.into_iter().map(|card| (card.task.id, Arc::new(card))).collect())
}

/// The tasks with these ids that can be found, for search.
///
/// # Errors
/// When the database fails.
pub async fn list_findable(conn: &AsyncPgConnection, ids: &[TaskId]) -> AppResult<Vec<Task>> {
    Ok(store::list_findable(conn, ids).await?)
}

/// Whether a user has a task that is not over, which keeps them from leaving.
///
/// # Errors
/// When the database fails.
pub async fn has_open_tasks(conn: &AsyncPgConnection, person: UserId) -> AppResult<bool> {
    Ok(store::has_open_tasks(conn, person).await?)
}

/// The last dispute of each of these tasks; whether the actor may see them is asked before.
///
/// # Errors
/// When the database fails.
pub async fn load_disputes(scope: &Scope, ids: &[TaskId]) -> AppResult<HashMap<TaskId, Arc<Dispute>>> {
    let disputes = store::list_disputes(&*scope.db.read().await?, ids).await?;
    Ok(disputes.into_iter().map(|dispute| (dispute.task_id, Arc::new(dispute))).collect())
}

/// Erases a leaving user's texts and pictures in tasks that are over, within the caller's transaction. Titles stay: the
/// other side's records are known by them.
///
/// # Errors
/// When the database fails.
pub async fn forget(conn: &AsyncPgConnection, person: UserId) -> AppResult<()> {
    store::erase_contents(conn, person).await?;
    Ok(())
}

/// Who asks to do something with a task: roles and suspensions are looked at only where they matter.
async fn actor(scope: &Scope, conn: &AsyncPgConnection, task: &Task, action: TaskAction) -> AppResult<TaskActor> {
    let (id, now) = (scope.viewer()?.user_id, scope.app.clock.now());
    let by_role = matches!(
        action,
        TaskAction::Edit | TaskAction::Cancel | TaskAction::Release | TaskAction::Dispute | TaskAction::Resolve
    );
    // Administrators see cancelled tasks.
    let matters = !task.is_party(id) && (by_role || task.status == TaskStatus::Cancelled);
    let is_admin = matters && role_of(conn, id).await? == Role::Admin;
    let actor = TaskActor { id, is_admin, now, publisher_suspended: false, busy_with: None };
    if action != TaskAction::Accept || task.status != TaskStatus::Open {
        return Ok(actor);
    }
    let (suspension, accepted) = store::find_acceptance(conn, task.publisher_id, id).await?;
    let most = scope.app.config.tasks.most_accepted;
    let busy_with = (accepted >= i64::from(most)).then_some(most);
    Ok(TaskActor { publisher_suspended: suspension.holds(now), busy_with, ..actor })
}

/// An action of the viewer's on a task, with its idempotency key.
#[derive(Clone, Copy)]
struct Act<'a> {
    id: TaskId,
    action: TaskAction,
    key: Option<&'a Key>,
}

/// Locks a task for an action that the viewer may take now; none when they took it before, in a mutation with this key or
/// without one: the action succeeds again and changes nothing ([`replayed`]). After the change, [`complete`] ends it.
async fn lock_for(scope: &Scope, conn: &AsyncPgConnection, act: Act<'_>) -> AppResult<Option<Task>> {
    lock_viewer_shared(scope, conn).await?;
    if idempotency::claim(conn, act.key, scope.app.clock.now()).await?.is_some() {
        return Ok(None);
    }
    lock_task(scope, conn, act).await
}

/// Stores the key of an action whose change is written, and returns the task as it is then.
async fn complete(conn: &AsyncPgConnection, act: Act<'_>) -> AppResult<TaskCard> {
    idempotency::complete(conn, act.key, act.id.0).await?;
    card(conn, act.id).await
}

/// As [`lock_for`], once the viewer's account is held.
async fn lock_task(scope: &Scope, conn: &AsyncPgConnection, act: Act<'_>) -> AppResult<Option<Task>> {
    let Act { id, action, key } = act;
    let task = store::lock_task(conn, id).await?.ok_or_else(|| TaskError::NoSuchTask.at("id"))?;
    if policy::is_repeat(&task, scope.viewer()?.user_id, action) {
        idempotency::complete(conn, key, id.0).await?;
        return Ok(None);
    }
    check(scope, conn, &task, action).await?;
    Ok(Some(task))
}

/// What an earlier mutation of the viewer's with this key is answered with; none without one.
async fn find_replayed(scope: &Scope, key: Option<&Key>) -> AppResult<Option<TaskCard>> {
    let reload = async |id| replayed(scope, &*scope.db.read().await?, TaskId(id)).await;
    idempotency::find_replayed(&scope.db, key, reload).await
}

/// Whether the viewer may do something with a task now.
async fn check(scope: &Scope, conn: &AsyncPgConnection, task: &Task, action: TaskAction) -> AppResult<()> {
    let actor = actor(scope, conn, task, action).await?;
    policy::check(task, actor, action).map_err(|error| error.at("id").into())
}

/// Ends a locked task: `paid` of its reward goes to its assignee, the rest back to its publisher. No actor: it ends by
/// itself.
async fn settle(
    scope: &Scope,
    conn: &AsyncPgConnection,
    task: &Task,
    actor: Option<UserId>,
    paid: Money,
) -> AppResult<()> {
    let now = scope.app.clock.now();
    let assignee = task.assignee_id.ok_or_else(|| AppError::internal("a task without an assignee is settled"))?;
    let rest = task.price.checked_sub(paid).ok_or_else(|| AppError::internal("no such payment"))?;
    let status = policy::resolved_status(paid, task.price);
    let is_finished = status == TaskStatus::Finished;
    let changes = TaskChanges {
        status: Some(status),
        finishes_at: Some(None),
        finished_at: is_finished.then_some(Some(now)),
        paid: (is_finished && paid != task.price).then_some(Some(paid)),
        updated_at: Some(now),
        ..TaskChanges::default()
    };
    let ended = store::update_task(conn, task.id, &changes).await?;
    let transfer = |cause| NewTransfer { cause, actor, note: None, at: now };
    if is_finished {
        if rest != Money::default() {
            // Both at once, in their order: of a split reward two transfers follow.
            wallet::service::lock_wallets(conn, &[task.publisher_id, assignee]).await?;
        }
        wallet::service::hold_reward(conn, &transfer(Cause::Lower(task.id)), task.publisher_id, rest, "id").await?;
        let payout = RewardPayout { publisher: task.publisher_id, assignee, amount: paid };
        wallet::service::pay_reward(conn, &transfer(Cause::Payout(task.id)), payout, "id").await?;
    } else {
        wallet::service::hold_reward(conn, &transfer(Cause::Release(task.id)), task.publisher_id, rest, "id").await?;
    }
    follow_up(scope, conn, task, &ended).await
}

/// Writes what follows from a task's change, within the transaction: who is told, when it goes on by itself, and what can be
/// found of it.
async fn follow_up(scope: &Scope, conn: &AsyncPgConnection, before: &Task, after: &Task) -> AppResult<()> {
    record_change(scope, conn, after, Some(before)).await?;
    match after.finishes_at {
        Some(at) => jobs::schedule(conn, JobKind::FinishTask, after.id.0, at).await?,
        None if before.finishes_at.is_some() => jobs::cancel(conn, JobKind::FinishTask, after.id.0).await?,
        None => {}
    }
    if after.status == TaskStatus::Cancelled {
        search::service::forget(conn, SearchKind::Task, &[after.id.0]).await
    } else if (before.status == TaskStatus::Open) != (after.status == TaskStatus::Open) {
        search::service::index(conn, after).await
    } else {
        Ok(())
    }
}

/// The response of a repeated mutation: the task as it is now, if the viewer may still see it.
async fn replayed(scope: &Scope, conn: &AsyncPgConnection, id: TaskId) -> AppResult<TaskCard> {
    let cards = store::list_visible(conn, &[id], Some(scope.viewer()?.user_id)).await?;
    cards.into_iter().next().ok_or_else(|| TaskError::NoSuchTask.at("id").into())
}

/// A task as it is now.
async fn card(conn: &AsyncPgConnection, id: TaskId) -> AppResult<TaskCard> {
    let cards = store::list_cards(conn, &[id]).await?;
    cards.into_iter().next().ok_or_else(|| AppError::internal("a task is gone"))
}

/// Records a task's change for its publisher and for its assignees before and after it, within the transaction; for
/// administrators as well if it is about a dispute.
async fn record_change(scope: &Scope, conn: &AsyncPgConnection, task: &Task, before: Option<&Task>) -> AppResult<()> {
    let assignees = [task.assignee_id, before.and_then(|before| before.assignee_id)];
    let people: BTreeSet<UserId> = assignees.into_iter().flatten().chain([task.publisher_id]).collect();
    let is_disputed = |task: &Task| task.status == TaskStatus::Disputed;
    let admins = (is_disputed(task) || before.is_some_and(is_disputed)).then_some(Topic::role(RANK_OF_ADMINS));
    let event = |topic| NewEvent { subject_id: Some(task.id.0), ..NewEvent::new(EventKind::TaskChanged, topic) };
    let events: Vec<NewEvent> = people.into_iter().map(Topic::user).chain(admins).map(event).collect();
    scope.record(conn, &events).await
}
