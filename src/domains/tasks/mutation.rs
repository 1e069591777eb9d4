//! Mutations of tasks.

use async_graphql::{Context, ID, Object};

use super::model::Expected;
use super::types::{CreateTaskInput, TaskPayload, UpdateTaskInput};
use crate::domains::tasks::service::{dispute, lifecycle, publish};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::scalars::{DateTime, Decimal, mutation_id};
use crate::ids::TaskId;

/// Mutations of tasks.
#[derive(Default)]
pub struct TaskMutation;

/// Mutations of tasks.
#[Object(crate = "crate::graphql::eager")]
impl TaskMutation {
    /// Asks for help: the reward leaves the viewer's balance and is held until the task is finished or cancelled. User
    /// errors: `REQUIRED`, `TOO_LONG`, `INVALID_INPUT`, `OUT_OF_RANGE`, `TOO_MANY_FILES` for the input; `NOT_FOUND` and
    /// `FILE_TYPE_NOT_ALLOWED` for what is no picture of theirs; `INSUFFICIENT_BALANCE`, `RATE_LIMITED`,
    /// `IDEMPOTENCY_MISMATCH`.
    async fn create_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is asked for.")] input: CreateTaskInput,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<TaskPayload>> {
        let create = async { publish::create(ctx.scope()?, input.into(), idempotency_key).await };
        mutation(ctx, create, Into::into).await
    }

    /// Changes an open task: its publisher, or an administrator, who can't change the reward. More or less is held where
    /// it changes. User errors: those of `createTask`, `NOT_FOUND`, `FORBIDDEN`, `TASK_NOT_OPEN`.
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
            publish::update(ctx.scope()?, id, input.into(), idempotency_key).await
        };
        mutation(ctx, update, Into::into).await
    }

    /// Calls a task off and gives the reward back: its publisher while it is open, an administrator until it is submitted.
    /// Those it concerned still see it; to cancel it again changes nothing. User errors: `NOT_FOUND`, `FORBIDDEN`, `TASK_NOT_OPEN`, for administrators
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
            publish::cancel(ctx.scope()?, id, idempotency_key).await
        };
        mutation(ctx, cancel, Into::into).await
    }

    /// Takes an accepted task back, so that another user can do it: its publisher once its deadline is over, or seven days
    /// after it was accepted where it has none; an administrator at any time. Its assignee has a day at least, and can't accept
    /// it again. There is no release once it is submitted. User errors: `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION` for one that is not
    /// accepted, `CONFLICT` before that time.
    async fn release_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's global id.")] id: ID,
    ) -> Option<AppResult<TaskPayload>> {
        let release = async {
            let id = mutation_id(TaskId::parse, &id, "id")?;
            lifecycle::release(ctx.scope()?, id).await
        };
        mutation(ctx, release, Into::into).await
    }

    /// Accepts another user's open task: of concurrent attempts one succeeds. User errors: `NOT_FOUND`,
    /// `OWN_TASK`, `TASK_NOT_OPEN`, also for one that was cancelled just now; `BLOCKED` where the viewer blocks its publisher;
    /// `FORBIDDEN` for a task that the viewer had before, or whose publisher takes no help from them; `CONFLICT` when it is not as expected, when its deadline is over or its publisher suspended, and while the viewer
    /// has too many accepted tasks that are not over; `RATE_LIMITED`.
    async fn accept_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's global id.")] id: ID,
        #[graphql(desc = "The reward that was seen, in yuan: nothing happens when it has changed since.")]
        expected_price: Option<Decimal>,
        #[graphql(
            desc = "The `updatedAt` that was seen: nothing happens when anything of the task has changed since."
        )]
        expected_updated_at: Option<DateTime>,
    ) -> Option<AppResult<TaskPayload>> {
        let accept = async {
            let id = mutation_id(TaskId::parse, &id, "id")?;
            let expected =
                Expected { price: expected_price.map(|price| price.0), updated_at: expected_updated_at.map(|at| at.0) };
            lifecycle::accept(ctx.scope()?, id, expected).await
        };
        mutation(ctx, accept, Into::into).await
    }

    /// Says that a task that the viewer accepted is done. Its publisher finishes it, or either of the two disputes it; at
    /// `finishesAt` it is finished by itself. User errors: `NOT_FOUND`, `FORBIDDEN` for a task that they don't do,
    /// `ILLEGAL_TRANSITION` for one that is not accepted; `TOO_LONG` and `INVALID_INPUT` for the note.
    async fn submit_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's global id.")] id: ID,
        #[graphql(desc = "What the publisher should know of it, at most 1000 characters.")] note: Option<String>,
    ) -> Option<AppResult<TaskPayload>> {
        let submit = async {
            let id = mutation_id(TaskId::parse, &id, "id")?;
            lifecycle::submit(ctx.scope()?, id, note).await
        };
        mutation(ctx, submit, Into::into).await
    }

    /// Disputes a submitted task, as its publisher, its assignee or an administrator: it is not finished by itself any more,
    /// and an administrator who has no part in it decides. Until then the publisher can still finish it, and the assignee
    /// abandon it. User errors: `REQUIRED`, `TOO_LONG`, `INVALID_INPUT` for the reason; `NOT_FOUND`, `FORBIDDEN`,
    /// `ILLEGAL_TRANSITION` for one that is not submitted.
    async fn dispute_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's global id.")] id: ID,
        #[graphql(desc = "Why, for the other side and the administrator: 1 to 1000 characters.")] reason: String,
    ) -> Option<AppResult<TaskPayload>> {
        let dispute = async {
            let id = mutation_id(TaskId::parse, &id, "id")?;
            dispute::dispute(ctx.scope()?, id, &reason).await
        };
        mutation(ctx, dispute, Into::into).await
    }

    /// Decides a disputed task, as an administrator who is neither its publisher nor its assignee: all of the reward for the
    /// assignee, a part, or nothing; the publisher gets the rest back. The task is FINISHED then, or CANCELLED where the
    /// assignee gets nothing of a reward. User errors: `REQUIRED`, `TOO_LONG`, `INVALID_INPUT` for the note; `OUT_OF_RANGE` for
    /// more than the reward; `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`, `IDEMPOTENCY_MISMATCH`.
    async fn resolve_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's global id.")] id: ID,
        #[graphql(desc = "What the assignee gets of the reward, in yuan: 0.00 up to all of it.")]
        pay_to_assignee: Decimal,
        #[graphql(desc = "Why, for both sides: 1 to 1000 characters.")] note: String,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<TaskPayload>> {
        let resolve = async {
            let id = mutation_id(TaskId::parse, &id, "id")?;
            dispute::resolve(ctx.scope()?, id, pay_to_assignee.0, &note, idempotency_key).await
        };
        mutation(ctx, resolve, Into::into).await
    }

    /// Gives up a task that the viewer accepted, for good, so that another user can do it; a dispute over it ends with that. User
    /// errors: `NOT_FOUND`, `FORBIDDEN` for a task that they don't do, `ILLEGAL_TRANSITION` for one that is over.
    async fn abandon_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's global id.")] id: ID,
    ) -> Option<AppResult<TaskPayload>> {
        let abandon = async {
            let id = mutation_id(TaskId::parse, &id, "id")?;
            lifecycle::abandon(ctx.scope()?, id).await
        };
        mutation(ctx, abandon, Into::into).await
    }

    /// Says that a task of the viewer's is done, submitted or not: all of the reward goes to its assignee, and a dispute over
    /// it ends. User errors: `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`, `IDEMPOTENCY_MISMATCH`.
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
            lifecycle::finish(ctx.scope()?, id, idempotency_key).await
        };
        mutation(ctx, finish, Into::into).await
    }
}
