//! Queries of tasks.

use async_graphql::{Context, ID, Object};

use super::model;
use super::types::{Task, TaskFilter, TaskOrder};
use crate::domains::tasks::loader::VisibleTask;
use crate::domains::tasks::service::list::{self, TaskListQuery};
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::scalars::query_id;
use crate::ids::{TaskId, UserId};
use crate::page::PageArgs;

/// The task of this id, if the viewer may see it, through the loader.
///
/// # Errors
/// When the database fails.
pub async fn find_task(ctx: &Context<'_>, id: TaskId) -> AppResult<Option<Task>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<VisibleTask>(id).await?.map(Task))
}

async fn connect(ctx: &Context<'_>, list: TaskListQuery, args: PageArgs) -> AppResult<Connection<Task>> {
    let page = list.page(args)?;
    let tasks = list::list_tasks(ctx.scope()?, &list, &page).await?;
    Ok(Connection::new(tasks, Into::into, move |scope, bound| {
        let list = list.clone();
        Box::pin(async move { list::count_tasks(scope, &list, bound).await })
    }))
}

/// Queries of tasks.
#[derive(Default)]
pub struct TaskQuery;

/// Queries of tasks.
#[Object(crate = "crate::graphql::eager")]
impl TaskQuery {
    /// A task by id. Null when there is none, or when it was cancelled and neither concerned the viewer nor are they an
    /// administrator.
    async fn task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's global id.")] id: ID,
    ) -> Option<AppResult<Task>> {
        async { find_task(ctx, query_id(TaskId::parse, &id, "id")?).await }.await.transpose()
    }

    /// All users' tasks. A page with publishers and pictures costs two statements.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tasks.")] filter: Option<TaskFilter>,
        #[graphql(desc = "In which order; the newest first where none is given.")] order_by: Option<TaskOrder>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Task>> {
        let filter = filter.map(TryInto::try_into).transpose()?.unwrap_or_default();
        let list = TaskListQuery::new(ctx.scope()?, filter, order_by.map(Into::into), false);
        connect(ctx, list, PageArgs { first, after, last, before }).await
    }
}

/// A filter for one user's own tasks; it matches none where it names another user.
fn own(
    filter: Option<TaskFilter>,
    of: impl Fn(&mut model::TaskFilter) -> &mut Option<UserId>,
    viewer: UserId,
) -> AppResult<model::TaskFilter> {
    let mut filter: model::TaskFilter = filter.map(TryInto::try_into).transpose()?.unwrap_or_default();
    if of(&mut filter).replace(viewer).is_some_and(|person| person != viewer) {
        filter.status = Some(Vec::new());
    }
    Ok(filter)
}

/// The part of the viewer that tasks know of.
#[derive(Default)]
pub struct TaskViewer;

/// The part of the viewer that tasks know of.
#[Object(crate = "crate::graphql::eager")]
impl TaskViewer {
    /// Tasks they published, cancelled ones included, the newest first.
    async fn published_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<TaskFilter>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Task>> {
        let filter = own(filter, |filter| &mut filter.publisher_id, ctx.viewer()?.user_id)?;
        let list = TaskListQuery::new(ctx.scope()?, filter, None, true);
        connect(ctx, list, PageArgs { first, after, last, before }).await
    }

    /// Tasks they accepted: doing, done, and those that were cancelled meanwhile; the newest first.
    async fn accepted_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<TaskFilter>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Task>> {
        let filter = own(filter, |filter| &mut filter.assignee_id, ctx.viewer()?.user_id)?;
        let list = TaskListQuery::new(ctx.scope()?, filter, None, true);
        connect(ctx, list, PageArgs { first, after, last, before }).await
    }
}
