//! Publishing tasks, changing and cancelling them: what holds the reward, and gives it back.

use chrono::TimeDelta;

use super::{card, check, follow_up, hold_for, replayed, tell};
use crate::db::violated_constraint;
use crate::domains::accounts::service::hold_viewer;
use crate::domains::media::model::MediaError;
use crate::domains::tasks::model::{
    NewTask, TaskAction, TaskCard, TaskChanges, TaskDraft, TaskError, TaskStatus, TaskUpdate,
};
use crate::domains::tasks::{policy, store};
use crate::domains::wallet::model::{Cause, NewTransfer};
use crate::domains::{media, search, wallet};
use crate::error::{AppError, AppResult};
use crate::idempotency::{self, Key};
use crate::ids::TaskId;
use crate::rate_limit;
use crate::scope::Scope;
use crate::validation::Fault;

/// A picture that was there a moment ago.
fn gone(error: diesel::result::Error) -> AppError {
    match violated_constraint(&error) {
        Some("task_images_media_id_fkey") => MediaError::NoSuchFile.at("input.imageIds").into(),
        _ => error.into(),
    }
}

/// Publishes a task of the viewer's, whose reward is held from now on.
///
/// # Errors
/// What is wrong with the input; `NOT_FOUND` and `FILE_TYPE_NOT_ALLOWED` for a picture that is none of theirs;
/// `INSUFFICIENT_BALANCE`; those of a key.
pub async fn create(scope: &Scope, draft: TaskDraft, key: Option<String>) -> AppResult<TaskCard> {
    let viewer = scope.viewer()?.user_id;
    let key = Key::new(scope.viewer()?.user_id, "createTask", key, &draft)?;
    if let Some(done) = idempotency::find_result(&scope.db, key.as_ref()).await? {
        return replayed(scope, &*scope.db.read().await?, TaskId(done)).await;
    }
    let now = scope.app.clock.now();
    policy::judge_draft(&draft, now).map_err(AppError::User)?;
    media::service::check_pictures(scope, viewer, &draft.images, "input.imageIds").await?;
    let buckets =
        rate_limit::viewer_buckets(&scope.requester, "tasks", scope.app.config.rates.creations, TimeDelta::hours(1))?;
    let task = NewTask {
        publisher_id: viewer,
        title: draft.title.trim().to_owned(),
        content: draft.content.trim().to_owned(),
        price: draft.price,
        deadline: draft.deadline,
        created_at: now,
        updated_at: now,
    };
    let mut conn = scope.db.write().await?;
    let card = conn
        .transaction(async |conn| {
            hold_viewer(scope, conn).await?;
            if let Some(done) = idempotency::claim(conn, key.as_ref(), scope.app.clock.now()).await? {
                return replayed(scope, conn, TaskId(done)).await;
            }
            rate_limit::consume(conn, &buckets, now).await?;
            let task = store::insert_task(conn, &task).await?;
            store::insert_images(conn, task.id, &draft.images).await.map_err(gone)?;
            let transfer = NewTransfer { cause: Cause::Hold(task.id), actor: Some(viewer), note: None, at: now };
            wallet::service::hold_reward(conn, &transfer, (viewer, task.price), "input.price").await?;
            tell(conn, &task, None).await?;
            idempotency::complete(conn, key.as_ref(), task.id.0).await?;
            search::service::index(conn, &task).await?;
            card(conn, task.id).await
        })
        .await?;
    scope.app.events.wake_sequencer();
    Ok(card)
}

/// Changes an open task: its publisher, or an administrator. What is held follows the reward.
///
/// # Errors
/// What is wrong with the input; `NOT_FOUND`, `TASK_NOT_OPEN`, `INSUFFICIENT_BALANCE`; `FORBIDDEN`, for an administrator as
/// well who changes what another person pays; those of a key.
pub async fn update(scope: &Scope, id: TaskId, update: TaskUpdate, key: Option<String>) -> AppResult<TaskCard> {
    let key = Key::new(scope.viewer()?.user_id, "updateTask", key, &(id, &update))?;
    if let Some(done) = idempotency::find_result(&scope.db, key.as_ref()).await? {
        return replayed(scope, &*scope.db.read().await?, TaskId(done)).await;
    }
    let (viewer, now) = (scope.viewer()?.user_id, scope.app.clock.now());
    let changes_it = update.changes_it();
    let (mut changes, images) = policy::judge_update(update, now).map_err(AppError::User)?;
    if let Some(images) = images.as_ref().filter(|images| !images.is_empty()) {
        // Whoever may not change it learns nothing of its publisher's files, which administrators show, too.
        let conn = scope.db.read().await?;
        let task = store::find_task(&conn, id).await?.ok_or_else(|| TaskError::NoSuchTask.at("id"))?;
        check(scope, &conn, &task, TaskAction::Edit).await?;
        drop(conn);
        media::service::check_pictures(scope, task.publisher_id, images, "input.imageIds").await?;
    }
    changes.updated_at = Some(now);
    let mut conn = scope.db.write().await?;
    let card = conn
        .transaction(async |conn| {
            let Some(task) = hold_for(scope, conn, (id, TaskAction::Edit), key.as_ref()).await? else {
                return replayed(scope, conn, id).await;
            };
            if !changes_it {
                idempotency::complete(conn, key.as_ref(), id.0).await?;
                return card(conn, id).await;
            }
            if task.publisher_id != viewer && changes.price.is_some_and(|price| price != task.price) {
                return Err(TaskError::RewardOfOthers.at("input.price").into());
            }
            let updated = store::update_task(conn, id, &changes).await?;
            if let Some(images) = &images {
                media::service::lock_files(conn, images, "input.imageIds").await?;
                store::delete_images(conn, id).await?;
                store::insert_images(conn, id, images).await.map_err(gone)?;
            }
            let (cause, amount) = if updated.price >= task.price {
                (Cause::Hold(id), updated.price.checked_sub(task.price))
            } else {
                (Cause::Lower(id), task.price.checked_sub(updated.price))
            };
            let amount = amount.ok_or_else(|| AppError::internal("no such prices"))?;
            let transfer = NewTransfer { cause, actor: Some(viewer), note: None, at: now };
            wallet::service::hold_reward(conn, &transfer, (task.publisher_id, amount), "input.price").await?;
            tell(conn, &updated, None).await?;
            idempotency::complete(conn, key.as_ref(), id.0).await?;
            search::service::index(conn, &updated).await?;
            card(conn, id).await
        })
        .await?;
    scope.app.events.wake_sequencer();
    Ok(card)
}

/// Calls a task off: its publisher while it is open, an administrator until it is submitted. The reward is given back.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, `TASK_NOT_OPEN`, `ILLEGAL_TRANSITION`; those of a key.
pub async fn cancel(scope: &Scope, id: TaskId, key: Option<String>) -> AppResult<TaskCard> {
    let key = Key::new(scope.viewer()?.user_id, "cancelTask", key, &id)?;
    if let Some(done) = idempotency::find_result(&scope.db, key.as_ref()).await? {
        return replayed(scope, &*scope.db.read().await?, TaskId(done)).await;
    }
    let (viewer, now) = (scope.viewer()?.user_id, scope.app.clock.now());
    let mut conn = scope.db.write().await?;
    let card = conn
        .transaction(async |conn| {
            let Some(task) = hold_for(scope, conn, (id, TaskAction::Cancel), key.as_ref()).await? else {
                return replayed(scope, conn, id).await;
            };
            let changes =
                TaskChanges { status: Some(TaskStatus::Cancelled), updated_at: Some(now), ..TaskChanges::default() };
            let cancelled = store::update_task(conn, id, &changes).await?;
            let transfer = NewTransfer { cause: Cause::Release(id), actor: Some(viewer), note: None, at: now };
            wallet::service::hold_reward(conn, &transfer, (task.publisher_id, task.price), "id").await?;
            idempotency::complete(conn, key.as_ref(), id.0).await?;
            follow_up(conn, &task, &cancelled).await?;
            card(conn, id).await
        })
        .await?;
    scope.app.events.wake_sequencer();
    Ok(card)
}
