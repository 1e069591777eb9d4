//! Subscriptions of tasks.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use futures_util::{Stream, StreamExt};

use super::service;
use super::types::Task;
use crate::app::App;
use crate::error::{AppError, AppResult};
use crate::events::{Event, EventKind, Payload};
use crate::graphql::context::PlazaContext;
use crate::graphql::live::follow;
use crate::graphql::scalars::query_id;
use crate::ids::{TaskId, UserId};

/// Subscriptions of tasks.
#[derive(Default)]
pub struct TaskSubscription;

/// Subscriptions of tasks.
#[Subscription]
impl TaskSubscription {
    /// Tasks that the viewer published, does, or gave up or lost just now, as they are published and changed.
    /// Nothing is replayed: fetch anew after a reconnect, or follow `events`. Each costs a statement. Error: `FORBIDDEN`
    /// for a task that the viewer can't see.
    async fn task_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "This task alone, by its global id.")] task_id: Option<ID>,
    ) -> Result<impl Stream<Item = AppResult<Task>> + use<>, AppError> {
        let (app, viewer) = (Arc::clone(ctx.app()?), ctx.viewer()?.user_id);
        let only = task_id.map(|id| query_id(TaskId::parse, &id, "taskId")).transpose()?;
        if let Some(id) = only
            && service::load_seen_by(&*app.database.get().await?, Some(viewer), &[id]).await?.is_empty()
        {
            return Err(AppError::forbidden());
        }
        let stream = follow(ctx, &[EventKind::TaskChanged], None, None).await?;
        Ok(stream.filter_map(move |event| {
            let app = Arc::clone(&app);
            async move {
                match event {
                    Ok(event) => delivery(&app, viewer, &event, only).await.transpose(),
                    Err(error) => Some(Err(error)),
                }
            }
        }))
    }
}

/// The task that an event tells of, as somebody may see it now.
async fn delivery(app: &App, viewer: UserId, event: &Event, only: Option<TaskId>) -> AppResult<Option<Task>> {
    let Payload::Task(id) = event.payload else { return Ok(None) };
    if only.is_some_and(|only| only != id) {
        return Ok(None);
    }
    let conn = app.database.get().await?;
    Ok(service::load_seen_by(&conn, Some(viewer), &[id]).await?.remove(&id).map(Task))
}
