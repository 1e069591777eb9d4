//! GraphQL types of tasks.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::model::{self, TaskAction, TaskCard, TaskDraft, TaskOrderField, TaskSort, TaskStatus, TaskUpdate};
use super::policy::{self, Asker};
use crate::change::Change;
use crate::domains::accounts::query::{get_user_of, is_admin};
use crate::domains::accounts::types::User;
use crate::domains::media::types::{Media, pictures};
use crate::error::{AppError, AppResult};
use crate::graphql::context::PlazaContext;
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::ranges::{DecimalRange, SortDirection};
use crate::graphql::scalars::{DateTime, Decimal, change, query_id};
use crate::ids::UserId;

/// Help that somebody asks for, and pays for.
#[derive(Clone, Debug)]
pub struct Task(pub Arc<TaskCard>);

impl From<TaskCard> for Task {
    fn from(card: TaskCard) -> Self {
        Self(Arc::new(card))
    }
}

/// Help that somebody asks for, and pays for.
#[Object]
impl Task {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.task.id.global()
    }

    /// What it is, in a line.
    async fn title(&self) -> &str {
        &self.0.task.title
    }

    /// The reward, in yuan; held from the publisher's balance until the task is finished or cancelled.
    async fn price(&self) -> Decimal {
        Decimal(self.0.task.price)
    }

    /// More about it.
    async fn content(&self) -> &str {
        &self.0.task.content
    }

    /// Its pictures, in their publisher's order, at most nine. Costs a statement for a whole list of tasks, unless all
    /// were seen lately.
    async fn images(&self, ctx: &Context<'_>) -> AppResult<Vec<Media>> {
        let loaders = ctx.loaders()?;
        // One may have been taken out and deleted since the task was read.
        let look = self.0.images.iter().map(|id| loaders.find(&loaders.media, *id));
        let images = futures_util::future::try_join_all(look).await?;
        Ok(images.into_iter().flatten().map(Media).collect())
    }

    /// Who asks for it.
    async fn publisher(&self) -> User {
        User(Arc::clone(&self.0.publisher))
    }

    /// Who does it, or has done it; null while it is open. Costs a statement for a whole list of tasks.
    async fn assignee(&self, ctx: &Context<'_>) -> Option<AppResult<User>> {
        get_user_of(ctx, self.0.task.assignee_id).await
    }

    /// How far it has come.
    async fn status(&self) -> TaskStatus {
        self.0.task.status
    }

    /// When it was accepted; null while it is open.
    async fn accepted_at(&self) -> Option<DateTime> {
        self.0.task.accepted_at.map(Into::into)
    }

    /// When it was done and paid; null until then.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.task.finished_at.map(Into::into)
    }

    /// What the viewer may do with it now; nothing when signed out. Costs a statement for a whole list of tasks.
    async fn available_actions(&self, ctx: &Context<'_>) -> AppResult<Vec<TaskAction>> {
        let Some(viewer) = ctx.requester()?.viewer else { return Ok(Vec::new()) };
        let is_admin = is_admin(ctx, viewer.user_id).await?;
        let asker = Asker { id: viewer.user_id, is_admin, now: ctx.app()?.clock.now() };
        Ok(policy::available_actions(&self.0.task, asker))
    }

    /// When it was published.
    async fn created_at(&self) -> DateTime {
        self.0.task.created_at.into()
    }

    /// When anything of it last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.task.updated_at.into()
    }
}

/// Which tasks a list has; all that is given has to hold. Cancelled tasks are there only where `status` asks for them, or
/// among the viewer's own, and only for those they concerned and administrators.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TaskFilter {
    /// Words to look for in titles and contents, at most 100 characters; see `search`. At most 1,000 tasks are found.
    query: Option<String>,
    /// In one of these states; all but cancelled ones where it is left out.
    status: Option<Vec<TaskStatus>>,
    /// Of such a reward.
    price: Option<DecimalRange>,
    /// Published by this person, by their global id.
    publisher_id: Option<ID>,
    /// Accepted by this person, by their global id.
    assignee_id: Option<ID>,
}

impl TryFrom<TaskFilter> for model::TaskFilter {
    type Error = AppError;

    fn try_from(filter: TaskFilter) -> AppResult<Self> {
        let TaskFilter { query, status, price, publisher_id, assignee_id } = filter;
        let person = |id: Option<ID>, name: &str| id.map(|id| query_id(UserId::parse, &id, name)).transpose();
        let price = price.unwrap_or_default();
        Ok(Self {
            query,
            status,
            min_price: price.min.map(|amount| amount.0),
            max_price: price.max.map(|amount| amount.0),
            publisher_id: person(publisher_id, "filter.publisherId")?,
            assignee_id: person(assignee_id, "filter.assigneeId")?,
        })
    }
}

/// The order of a list of tasks.
#[derive(Clone, Debug, InputObject)]
pub struct TaskOrder {
    /// By what.
    field: TaskOrderField,
    /// Which way.
    #[graphql(default_with = "SortDirection::Desc")]
    direction: SortDirection,
}

impl From<TaskOrder> for TaskSort {
    fn from(TaskOrder { field, direction }: TaskOrder) -> Self {
        Self { field, descending: direction == SortDirection::Desc }
    }
}

/// Help to be asked for.
#[derive(Clone, Debug, InputObject)]
pub struct CreateTaskInput {
    /// What it is: one line of 1 to 100 characters.
    title: String,
    /// The reward, in yuan: 0.00 to 99999999.99; held from the viewer's balance.
    price: Decimal,
    /// More about it, 1 to 5000 characters.
    content: String,
    /// Global ids of up to nine pictures among the viewer's files, in the order to show them.
    image_ids: Option<Vec<ID>>,
}

impl From<CreateTaskInput> for TaskDraft {
    fn from(CreateTaskInput { title, price, content, image_ids }: CreateTaskInput) -> Self {
        Self { title, content, price: price.0, images: pictures(image_ids.unwrap_or_default()) }
    }
}

/// What changes about a task. Omitted fields keep their value.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateTaskInput {
    /// What it is: one line of 1 to 100 characters.
    title: MaybeUndefined<String>,
    /// The reward, in yuan: 0.00 to 99999999.99; what is held follows it.
    price: MaybeUndefined<Decimal>,
    /// More about it, 1 to 5000 characters.
    content: MaybeUndefined<String>,
    /// Global ids of up to nine pictures among the publisher's files, in the order to show them; in place of those it has.
    image_ids: MaybeUndefined<Vec<ID>>,
}

impl From<UpdateTaskInput> for TaskUpdate {
    fn from(UpdateTaskInput { title, price, content, image_ids }: UpdateTaskInput) -> Self {
        let price: Change<Decimal> = change(price);
        let images: Change<Vec<ID>> = change(image_ids);
        Self {
            title: change(title),
            content: change(content),
            price: price.map(|price| price.map(|price| price.0)),
            images: images.map(|images| images.map(pictures)),
        }
    }
}

/// A task that was published or changed.
#[derive(Clone, Debug, SimpleObject)]
pub struct TaskPayload {
    /// As it is now; null when it was refused.
    task: Option<Task>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<TaskCard> for TaskPayload {
    fn from(card: TaskCard) -> Self {
        Self { task: Some(card.into()), user_errors: Vec::new() }
    }
}

impl Payload for TaskPayload {
    fn refused(user_errors: Vec<UserErrorObject>) -> Self {
        Self { task: None, user_errors }
    }
}

/// A task that the viewer published, or does or was about to do, was published or changed.
#[derive(Clone, Debug, SimpleObject)]
pub struct TaskChanged {
    /// The task, as it is when delivered.
    pub task: Task,
}
