//! GraphQL types of tasks.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::model::{self, CreateTask, Dispute, TaskAction, TaskCard, TaskOrderField, TaskSort, TaskStatus, UpdateTask};
use super::policy::{self, TaskActor};
use crate::domains::accounts::query::is_admin;
use crate::domains::accounts::types::{User, UserRelation};
use crate::domains::media::loader::MediaById;
use crate::domains::media::types::{Media, pictures};
use crate::domains::tasks::loader::LastDispute;
use crate::error::{AppError, AppResult};
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{RelationList, plain, plain_enums, plain_struct};
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::ranges::{DecimalRange, SortDirection};
use crate::graphql::scalars::{DateTime, Decimal, patch, query_id};
use crate::ids::UserId;
use crate::validation::Patch;

/// Help that a user asks for, and pays for.
#[derive(Clone, Debug)]
pub struct Task(pub Arc<TaskCard>);

impl From<TaskCard> for Task {
    fn from(card: TaskCard) -> Self {
        Self(Arc::new(card))
    }
}

/// Help that a user asks for, and pays for.
#[Object(crate = "crate::graphql::eager")]
impl Task {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.task.id.global()
    }

    /// What it is, in a line.
    fn title(&self) -> &str {
        &self.0.task.title
    }

    /// The reward, in yuan; held from the publisher's balance until the task is finished or cancelled.
    fn price(&self) -> Decimal {
        Decimal(self.0.task.price)
    }

    /// More about it: public while the task is open, and afterwards for publisher, assignee and administrators alone;
    /// null for others.
    async fn content(&self, ctx: &Context<'_>) -> AppResult<Option<&str>> {
        Ok(self.shows_details(ctx).await?.then_some(self.0.task.content.as_str()))
    }

    /// Its pictures, in their publisher's order, at most nine; none for those who don't see its `content`. Costs a statement
    /// for a whole list of tasks, unless all were seen lately.
    async fn images(&self, ctx: &Context<'_>) -> AppResult<RelationList<MediaById, Media>> {
        let shown = if self.shows_details(ctx).await? { self.0.images.clone() } else { Vec::new() };
        // One may have been taken out and deleted since the task was read.
        Ok(RelationList::new(shown, Media))
    }

    /// Who asks for it.
    fn publisher(&self) -> User {
        User(Arc::clone(&self.0.publisher))
    }

    /// Who does it, or has done it; null while it is open. Costs a statement for a whole list of tasks.
    fn assignee(&self) -> Option<UserRelation> {
        self.0.task.assignee_id.map(User::by_id)
    }

    /// How far it has come.
    fn status(&self) -> TaskStatus {
        self.0.task.status
    }

    /// When it was accepted; null while it is open.
    fn accepted_at(&self) -> Option<DateTime> {
        self.0.task.accepted_at.map(Into::into)
    }

    /// Until when it can be accepted, as its publisher says; null where they say nothing. An accepted task that is not
    /// submitted then can be taken back by `releaseTask`.
    fn deadline(&self) -> Option<DateTime> {
        self.0.task.deadline.map(Into::into)
    }

    /// When its assignee said that it is done; null until then.
    fn submitted_at(&self) -> Option<DateTime> {
        self.0.task.submitted_at.map(Into::into)
    }

    /// What its assignee said of it then; null where they said nothing, and for those who don't see its `content`.
    async fn submission_note(&self, ctx: &Context<'_>) -> AppResult<Option<&str>> {
        let Some(note) = &self.0.task.submission_note else { return Ok(None) };
        Ok(self.shows_details(ctx).await?.then_some(note.as_str()))
    }

    /// When it is finished by itself; null unless it is submitted.
    fn finishes_at(&self) -> Option<DateTime> {
        self.0.task.finishes_at.map(Into::into)
    }

    /// The last dispute over it, for its publisher, the assignee of that time and administrators; null for others, and where
    /// there was none. Costs a statement for a whole list of tasks.
    async fn dispute(&self, ctx: &Context<'_>) -> AppResult<Option<TaskDispute>> {
        let Some(viewer) = ctx.requester()?.viewer else { return Ok(None) };
        let loaders = ctx.loaders()?;
        let Some(dispute) = loaders.find::<LastDispute>(self.0.task.id).await? else { return Ok(None) };
        let concerns = [self.0.task.publisher_id, dispute.assignee_id].contains(&viewer.user_id);
        Ok((concerns || is_admin(ctx, viewer.user_id).await?).then_some(TaskDispute(dispute)))
    }

    /// When it was done and paid; null until then.
    fn finished_at(&self) -> Option<DateTime> {
        self.0.task.finished_at.map(Into::into)
    }

    /// What its assignee was paid of the reward, in yuan: less than `price` only by a decision of a dispute; null until it is
    /// finished.
    fn paid(&self) -> Option<Decimal> {
        self.0.task.payment().map(Decimal)
    }

    /// What the viewer may do with it now; nothing when signed out. Costs a statement for a whole list of tasks.
    async fn available_actions(&self, ctx: &Context<'_>) -> AppResult<Vec<TaskAction>> {
        let Some(viewer) = ctx.requester()?.viewer else { return Ok(Vec::new()) };
        let is_admin = is_admin(ctx, viewer.user_id).await?;
        let now = ctx.app()?.clock.now();
        let publisher_suspended = self.0.suspension.holds(now);
        // How many they have accepted is looked at when they accept one.
        let actor = TaskActor { id: viewer.user_id, is_admin, now, publisher_suspended, busy_with: None };
        Ok(policy::available_actions(&self.0.task, actor))
    }

    /// When it was published.
    fn created_at(&self) -> DateTime {
        self.0.task.created_at.into()
    }

    /// When anything of it last changed.
    fn updated_at(&self) -> DateTime {
        self.0.task.updated_at.into()
    }
}

plain_enums!(TaskStatus);

plain!(Task [|task: &Task| task.0.task.id.parts()] {
    "assignee" => assignee,
    "title" => title,
    "price" => price,
    "publisher" => publisher,
    "status" => status,
    "acceptedAt" => accepted_at,
    "deadline" => deadline,
    "submittedAt" => submitted_at,
    "finishesAt" => finishes_at,
    "finishedAt" => finished_at,
    "paid" => paid,
    "createdAt" => created_at,
    "updatedAt" => updated_at,
});

impl Task {
    /// Whether the viewer sees more of it than the public does.
    async fn shows_details(&self, ctx: &Context<'_>) -> AppResult<bool> {
        let task = &self.0.task;
        if task.public_content().is_some() {
            return Ok(true);
        }
        let Some(viewer) = ctx.requester()?.viewer else { return Ok(false) };
        Ok(task.is_party(viewer.user_id) || is_admin(ctx, viewer.user_id).await?)
    }
}

/// A disagreement of a task's publisher and its assignee over whether it is done.
#[derive(Clone, Debug)]
pub struct TaskDispute(Arc<Dispute>);

/// A disagreement of a task's publisher and its assignee over whether it is done.
#[Object(crate = "crate::graphql::eager")]
impl TaskDispute {
    /// Who opened it: either of the two, or an administrator. Costs a statement for a whole list of tasks.
    async fn opened_by(&self) -> UserRelation {
        User::by_id(self.0.opened_by)
    }

    /// Why.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// What the administrator says of the decision; null while it is open, and where one side gave in.
    async fn resolution(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// What the assignee got of the reward, in yuan: 0.00 where they abandoned the task, all where its publisher finished it;
    /// null while it is open.
    async fn paid_to_assignee(&self) -> Option<Decimal> {
        self.0.paid.map(Decimal)
    }

    /// When it was opened.
    async fn opened_at(&self) -> DateTime {
        self.0.opened_at.into()
    }

    /// When it was decided, or one side gave in; null while it is open.
    async fn resolved_at(&self) -> Option<DateTime> {
        self.0.resolved_at.map(Into::into)
    }
}

/// Which tasks a list has; all that is given has to hold. Cancelled tasks are there only where `status` asks for them, or
/// among the viewer's own, and only for those they concerned and administrators.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TaskFilter {
    /// Words to look for in titles, and in contents of open tasks, at most 100 characters; see `search`. At most 1,000 tasks
    /// are found.
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
    /// Until when it can be accepted, and when `releaseTask` can take it back from an assignee who has not submitted it: from
    /// now on, at most a year; an assignee has a day at least. Without one it can be taken back seven days after it was accepted.
    deadline: Option<DateTime>,
    /// Global ids of up to nine pictures among the viewer's files, in the order to show them.
    image_ids: Option<Vec<ID>>,
}

impl From<CreateTaskInput> for CreateTask {
    fn from(CreateTaskInput { title, price, content, deadline, image_ids }: CreateTaskInput) -> Self {
        let deadline = deadline.map(|deadline| deadline.0);
        Self { title, content, price: price.0, deadline, images: pictures(image_ids.unwrap_or_default()) }
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
    /// Until when it can be accepted: from now on, at most a year; null for no deadline.
    deadline: MaybeUndefined<DateTime>,
    /// Global ids of up to nine pictures among the publisher's files, in the order to show them; in place of those it has.
    image_ids: MaybeUndefined<Vec<ID>>,
}

impl From<UpdateTaskInput> for UpdateTask {
    fn from(UpdateTaskInput { title, price, content, deadline, image_ids }: UpdateTaskInput) -> Self {
        let deadline: Patch<DateTime> = patch(deadline);
        let price: Patch<Decimal> = patch(price);
        let images: Patch<Vec<ID>> = patch(image_ids);
        Self {
            title: patch(title),
            content: patch(content),
            price: price.map(|price| price.0),
            deadline: deadline.map(|deadline| deadline.0),
            images: images.map(pictures),
        }
    }
}

/// A task that was published or changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
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
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { task: None, user_errors }
    }
}

/// A task that the viewer published, or does or was about to do, was published or changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct TaskChanged {
    /// The task, as it is when delivered.
    pub task: Task,
}

plain_struct!(TaskChanged { "task" => task });
