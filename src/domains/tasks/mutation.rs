//! Mutations of tasks.

use async_graphql::{Context, ID, Object};

use super::model::TaskCard;
use super::service::{doing, publishing};
use super::types::{CreateTaskInput, TaskPayload, UpdateTaskInput};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::payload::settle;
use crate::graphql::scalars::mutation_id;
use crate::ids::TaskId;

/// A task that was changed; what was loaded of it and of money before is no longer true.
async fn changed(ctx: &Context<'_>, change: AppResult<TaskCard>) -> AppResult<TaskCard> {
    let (card, loaders) = (change?, ctx.loaders()?);
    loaders.tasks.forget(card.task.id).await;
    loaders.forget_money().await;
    Ok(card)
}

/// Mutations of tasks.
#[derive(Default)]
pub struct TaskMutation;

/// Mutations of tasks.
#[Object]
impl TaskMutation {
    /// Asks for help: the reward leaves the viewer's balance and is held until the task is finished or cancelled. User
    /// errors: `REQUIRED`, `TOO_LONG`, `INVALID_INPUT`, `OUT_OF_RANGE`, `TOO_MANY_FILES` for the input; `NOT_FOUND` and
    /// `FILE_TYPE_NOT_ALLOWED` for what is no picture of theirs; `INSUFFICIENT_BALANCE`, `IDEMPOTENCY_MISMATCH`.
    async fn create_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is asked for.")] input: CreateTaskInput,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<TaskPayload>> {
        let create =
            async { changed(ctx, publishing::create(ctx.scope()?, input.into(), idempotency_key).await).await };
        settle(create.await, Into::into)
    }

    /// Changes an open task: its publisher, or an administrator. More or less is held where the reward changes. User
    /// errors: those of `createTask`, `NOT_FOUND`, `FORBIDDEN`, `TASK_NOT_OPEN`.
    async fn update_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's global id.")] id: ID,
        #[graphql(desc = "What changes.")] input: UpdateTaskInput,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<TaskPayload>> {
        let update = async {
            let id = mutation_id(TaskId::parse, &id, "id")?;
            changed(ctx, publishing::update(ctx.scope()?, id, input.into(), idempotency_key).await).await
        };
        settle(update.await, Into::into)
    }

    /// Calls a task off and gives the reward back: its publisher while it is open, an administrator until it is finished.
    /// Those it concerned still see it. User errors: `NOT_FOUND`, `FORBIDDEN`, `TASK_NOT_OPEN`, for administrators
    /// `ILLEGAL_TRANSITION`; `IDEMPOTENCY_MISMATCH`.
    async fn cancel_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's global id.")] id: ID,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<TaskPayload>> {
        let cancel = async {
            let id = mutation_id(TaskId::parse, &id, "id")?;
            changed(ctx, publishing::cancel(ctx.scope()?, id, idempotency_key).await).await
        };
        settle(cancel.await, Into::into)
    }

    /// Takes an accepted task back, so that somebody else can do it: its publisher from seven days after it was accepted,
    /// an administrator at any time. User errors: `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION` for one that is not
    /// accepted, `CONFLICT` before that.
    async fn release_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's global id.")] id: ID,
    ) -> Option<AppResult<TaskPayload>> {
        let release = async {
            let id = mutation_id(TaskId::parse, &id, "id")?;
            changed(ctx, doing::release(ctx.scope()?, id).await).await
        };
        settle(release.await, Into::into)
    }

    /// Takes on an open task of somebody else's: of any number who try at once, one gets it. User errors: `NOT_FOUND`,
    /// `OWN_TASK`, `TASK_NOT_OPEN`, also for one that was cancelled just now.
    async fn accept_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's global id.")] id: ID,
    ) -> Option<AppResult<TaskPayload>> {
        let accept = async {
            let id = mutation_id(TaskId::parse, &id, "id")?;
            changed(ctx, doing::accept(ctx.scope()?, id).await).await
        };
        settle(accept.await, Into::into)
    }

    /// Gives up a task that the viewer accepted, so that somebody else can do it. User errors: `NOT_FOUND`, `FORBIDDEN` for
    /// a task that they don't do, `ILLEGAL_TRANSITION` for one that is over.
    async fn abandon_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's global id.")] id: ID,
    ) -> Option<AppResult<TaskPayload>> {
        let abandon = async {
            let id = mutation_id(TaskId::parse, &id, "id")?;
            changed(ctx, doing::abandon(ctx.scope()?, id).await).await
        };
        settle(abandon.await, Into::into)
    }

    /// Says that an accepted task of the viewer's is done: the reward goes to whoever did it. User errors: `NOT_FOUND`,
    /// `FORBIDDEN`, `ILLEGAL_TRANSITION`, `IDEMPOTENCY_MISMATCH`.
    async fn finish_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's global id.")] id: ID,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<TaskPayload>> {
        let finish = async {
            let id = mutation_id(TaskId::parse, &id, "id")?;
            changed(ctx, doing::finish(ctx.scope()?, id, idempotency_key).await).await
        };
        settle(finish.await, Into::into)
    }
}
