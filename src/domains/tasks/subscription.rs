//! Subscriptions of tasks.

use async_graphql::{Context, ID, Subscription};
use futures_util::Stream;

use super::service;
use super::types::Task;
use crate::error::{AppError, AppResult};
use crate::events::EventKind;
use crate::graphql::context::PlazaContext;
use crate::graphql::live::{follow, visible};
use crate::graphql::scalars::query_id;
use crate::ids::TaskId;
use crate::live::EventPayload;
use crate::live::visible::Shown;

/// Subscriptions of tasks.
#[derive(Default)]
pub struct TaskSubscription;

/// Subscriptions of tasks.
#[Subscription]
impl TaskSubscription {
    /// Tasks that the viewer published, does, or gave up or lost just now, as they are published and changed.
    /// Administrators get disputed ones as well; other users get none. Nothing is replayed: fetch anew after a reconnect, or follow `events`. Error: `FORBIDDEN` for a task that the viewer can't see.
    async fn task_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "This task alone, by its global id.")] task_id: Option<ID>,
    ) -> Result<impl Stream<Item = AppResult<Task>> + use<>, AppError> {
        let viewer = ctx.viewer()?.user_id;
        let only = task_id.map(|id| query_id(TaskId::parse, &id, "taskId")).transpose()?;
        if let Some(id) = only
            && service::load_seen_by(&*ctx.app()?.database.get().await?, Some(viewer), &[id]).await?.is_empty()
        {
            return Err(AppError::forbidden());
        }
        let events = follow(ctx, &[EventKind::TaskChanged], None, None).await?;
        visible(ctx, events, move |_, shown| match shown {
            Shown::Payload(EventPayload::Task(card)) => {
                only.is_none_or(|only| only == card.task.id).then_some(Task(card))
            }
            Shown::Payload(_) | Shown::Item(_) => None,
        })
    }
}
