//! Publishing tasks, changing and cancelling them: what holds the reward, and gives it back.

use chrono::TimeDelta;

use crate::db::violated_constraint;
use crate::domains::accounts::service::lock_viewer_shared;
use crate::domains::media::model::MediaError;
use crate::domains::tasks::model::{
    CreateTask, NewTask, TaskAction, TaskCard, TaskChanges, TaskError, TaskStatus, UpdateTask,
};
use crate::domains::tasks::service::{
    Act, card, check, complete, find_replayed, follow_up, lock_for, record_change, replayed,
};
use crate::domains::tasks::{policy, store};
use crate::domains::wallet::model::{Cause, NewTransfer};
use crate::domains::{media, search, wallet};
use crate::error::{AppError, AppResult};
use crate::idempotency::{self, Key};
use crate::ids::TaskId;
use crate::rate_limit;
use crate::scope::Scope;
use crate::validation::DomainError;

/// A picture that was there a moment ago.
fn map_missing_image(error: diesel::result::Error) -> AppError {
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
pub async fn create(scope: &Scope, draft: CreateTask, key: Option<String>) -> AppResult<TaskCard> {
    let viewer = scope.viewer()?.user_id;
    let key = Key::new(viewer, "createTask", key, &draft)?;
    if let Some(done) = find_replayed(scope, key.as_ref()).await? {
        return Ok(done);
    }
    let now = scope.app.clock.now();
    policy::validate_create(&draft, now).map_err(AppError::User)?;
    media::service::check_pictures(scope, viewer, &draft.images, "input.imageIds").await?;
    let buckets =
        rate_limit::viewer_buckets(scope.requester(), "tasks", scope.app.config.rates.creations, TimeDelta::hours(1))?;
    let task = NewTask {
        publisher_id: viewer,
        title: draft.title.trim().to_owned(),
        content: draft.content.trim().to_owned(),
        price: draft.price,
        deadline: draft.deadline,
        created_at: now,
        updated_at: now,
    };
    scope
        .transaction(async |conn| {
            lock_viewer_shared(scope, conn).await?;
            if let Some(done) = idempotency::claim(conn, key.as_ref(), now).await? {
                return replayed(scope, conn, TaskId(done)).await;
            }
            rate_limit::consume(conn, &buckets, now).await?;
            let task = store::insert_task(conn, &task).await?;
            store::insert_images(conn, task.id, &draft.images).await.map_err(map_missing_image)?;
            let transfer = NewTransfer { cause: Cause::Hold(task.id), actor: Some(viewer), note: None, at: now };
            wallet::service::hold_reward(conn, &transfer, viewer, task.price, "input.price").await?;
            record_change(scope, conn, &task, None).await?;
            idempotency::complete(conn, key.as_ref(), task.id.0).await?;
            search::service::index(conn, &task).await?;
            card(conn, task.id).await
        })
        .await
}

/// Changes an open task: its publisher, or an administrator. What is held follows the reward.
///
/// # Errors
/// What is wrong with the input; `NOT_FOUND`, `TASK_NOT_OPEN`, `INSUFFICIENT_BALANCE`; `FORBIDDEN`, for an administrator as
/// well who changes what another person pays; those of a key.
pub async fn update(scope: &Scope, id: TaskId, update: UpdateTask, key: Option<String>) -> AppResult<TaskCard> {
    let (viewer, now) = (scope.viewer()?.user_id, scope.app.clock.now());
    let key = Key::new(viewer, "updateTask", key, &(id, &update))?;
    if let Some(done) = find_replayed(scope, key.as_ref()).await? {
        return Ok(done);
    }
    let changes_content = update.changes_content();
    let (mut changes, images) = policy::validate_update(update, now).map_err(AppError::User)?;
    if let Some(images) = images.as_ref().filter(|images| !images.is_empty()) {
        // A viewer who may not change it learns nothing of its publisher's files, which administrators show, too.
        let task = store::find_task(&*scope.db.read().await?, id).await?;
        let task = task.ok_or_else(|| TaskError::NoSuchTask.at("id"))?;
        check(scope, &*scope.db.read().await?, &task, TaskAction::Edit).await?;
        media::service::check_pictures(scope, task.publisher_id, images, "input.imageIds").await?;
    }
    changes.updated_at = Some(now);
    let act = Act { id, action: TaskAction::Edit, key: key.as_ref() };
    scope
        .transaction(async |conn| {
            let Some(task) = lock_for(scope, conn, act).await? else { return replayed(scope, conn, id).await };
            if !changes_content {
                return complete(conn, act).await;
            }
            if task.publisher_id != viewer && changes.price.is_some_and(|price| price != task.price) {
                return Err(TaskError::RewardOfOthers.at("input.price").into());
            }
            let updated = store::update_task(conn, id, &changes).await?;
            if let Some(images) = &images {
                media::service::lock_files(conn, images, "input.imageIds").await?;
                store::delete_images(conn, id).await?;
                store::insert_images(conn, id, images).await.map_err(map_missing_image)?;
            }
            let (cause, amount) = if updated.price >= task.price {
                (Cause::Hold(id), updated.price.checked_sub(task.price))
            } else {
                (Cause::Lower(id), task.price.checked_sub(updated.price))
            };
            let amount = amount.ok_or_else(|| AppError::internal("no such prices"))?;
            let transfer = NewTransfer { cause, actor: Some(viewer), note: None, at: now };
            wallet::service::hold_reward(conn, &transfer, task.publisher_id, amount, "input.price").await?;
            record_change(scope, conn, &updated, None).await?;
            search::service::index(conn, &updated).await?;
            complete(conn, act).await
        })
        .await
}

/// Calls a task off: its publisher while it is open, an administrator until it is submitted. The reward is given back.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, `TASK_NOT_OPEN`, `ILLEGAL_TRANSITION`; those of a key.
pub async fn cancel(scope: &Scope, id: TaskId, key: Option<String>) -> AppResult<TaskCard> {
    let (viewer, now) = (scope.viewer()?.user_id, scope.app.clock.now());
    let key = Key::new(viewer, "cancelTask", key, &id)?;
    if let Some(done) = find_replayed(scope, key.as_ref()).await? {
        return Ok(done);
    }
    let act = Act { id, action: TaskAction::Cancel, key: key.as_ref() };
    scope
        .transaction(async |conn| {
            let Some(task) = lock_for(scope, conn, act).await? else { return replayed(scope, conn, id).await };
            let changes =
                TaskChanges { status: Some(TaskStatus::Cancelled), updated_at: Some(now), ..TaskChanges::default() };
            let cancelled = store::update_task(conn, id, &changes).await?;
            let transfer = NewTransfer { cause: Cause::Release(id), actor: Some(viewer), note: None, at: now };
            wallet::service::hold_reward(conn, &transfer, task.publisher_id, task.price, "id").await?;
            follow_up(scope, conn, &task, &cancelled).await?;
            complete(conn, act).await
        })
        .await
}
