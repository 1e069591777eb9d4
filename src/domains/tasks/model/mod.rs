//! Rows and enums of tasks; what can go wrong with them in [`error`].

pub mod error;

use std::sync::Arc;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use serde::Serialize;

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::domains::accounts::model::{Suspension, User};
use crate::domains::search::model::{OVER_BOOST, SearchEntry, SearchKind};
use crate::domains::search::words::{Field, SearchDocument};
use crate::ids::{MediaId, TaskId, UserId};
use crate::money::Money;
use crate::validation::Patch;

pub use error::TaskError;

pg_enum! {
    /// How far a task has come. Its reward is held from the publisher when it is published, paid to the assignee when it
    /// is finished, and given back when it is cancelled. A submitted task is finished by its publisher, or by itself at
    /// `finishesAt`; a disputed one by an administrator, unless one of the two gives in.
    #[derive(Enum, Serialize)]
    pub enum TaskStatus: sql_types::TaskStatus {
        /// Waits for an assignee.
        Open = "OPEN",
        /// Its assignee is doing it.
        Accepted = "ACCEPTED",
        /// Its assignee says that it is done.
        Submitted = "SUBMITTED",
        /// Publisher and assignee disagree whether it is done: an administrator decides.
        Disputed = "DISPUTED",
        /// Done, and paid.
        Finished = "FINISHED",
        /// Called off, and the reward given back; seen by publisher, assignee and administrators alone.
        Cancelled = "CANCELLED",
    }
}

impl TaskStatus {
    /// What its score in search is multiplied with.
    #[must_use]
    pub fn search_boost(self) -> f32 {
        if self == Self::Open { 1.0 } else { OVER_BOOST }
    }
}

/// What the viewer may do with a task now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TaskAction {
    /// `updateTask`.
    Edit,
    /// `acceptTask`.
    Accept,
    /// `abandonTask`.
    Abandon,
    /// `submitTask`.
    Submit,
    /// `finishTask`.
    Finish,
    /// `disputeTask`.
    Dispute,
    /// `releaseTask`.
    Release,
    /// `cancelTask`.
    Cancel,
    /// `resolveTask`.
    Resolve,
}

/// Help that a user asks for.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::tasks)]
pub struct Task {
    /// Key.
    pub id: TaskId,
    /// Who asks.
    pub publisher_id: UserId,
    /// Who does it; of a cancelled one, who was about to.
    pub assignee_id: Option<UserId>,
    /// What it is, in a line.
    pub title: String,
    /// More about it.
    pub content: String,
    /// The reward.
    pub price: Money,
    /// How far it has come.
    pub status: TaskStatus,
    /// When it was accepted.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When it was done.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it was published.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// The publisher's: it can't be accepted after this.
    pub deadline: Option<DateTime<Utc>>,
    /// When its assignee said that it is done.
    pub submitted_at: Option<DateTime<Utc>>,
    /// What they said of it.
    pub submission_note: Option<String>,
    /// When it is finished by itself; of a submitted one alone.
    pub finishes_at: Option<DateTime<Utc>>,
    /// What its assignee was paid; none where that is all of the reward. See [`Task::payment`].
    pub paid: Option<Money>,
    /// Whose acceptance ended last.
    pub former_assignee_id: Option<UserId>,
    /// Who ended it: that person, the publisher or an administrator.
    pub reopened_by: Option<UserId>,
    /// Who had it before.
    pub refused_ids: Vec<Option<UserId>>,
}

impl Task {
    /// Whether a user is its publisher or its assignee.
    #[must_use]
    pub fn is_party(&self, person: UserId) -> bool {
        self.publisher_id == person || self.assignee_id == Some(person)
    }

    /// What its assignee was paid, once it is finished.
    #[must_use]
    pub fn payment(&self) -> Option<Money> {
        (self.status == TaskStatus::Finished).then(|| self.paid.unwrap_or(self.price))
    }

    /// What can be found of it beyond its title: nothing once it is accepted.
    #[must_use]
    pub fn public_content(&self) -> Option<&str> {
        (self.status == TaskStatus::Open).then_some(self.content.as_str())
    }
}

impl From<&Task> for SearchEntry {
    fn from(task: &Task) -> Self {
        let content = task.public_content().unwrap_or_default();
        let fields = [(task.title.as_str(), Field::Title), (content, Field::Text)];
        Self {
            kind: SearchKind::Task,
            subject_id: task.id.0,
            boost: task.status.search_boost(),
            document: SearchDocument::new(&fields),
        }
    }
}

/// A disagreement over whether a task is done.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::task_disputes)]
pub struct Dispute {
    /// The task.
    pub task_id: TaskId,
    /// Its assignee then.
    pub assignee_id: UserId,
    /// Who opened it.
    pub opened_by: UserId,
    /// Why.
    pub reason: String,
    /// When.
    pub opened_at: DateTime<Utc>,
    /// The administrator who decided, or the side that gave in; none while it is open.
    pub resolved_by: Option<UserId>,
    /// What the assignee gets of the reward.
    pub paid: Option<Money>,
    /// What the administrator says of the decision.
    pub note: Option<String>,
    /// When it ended.
    pub resolved_at: Option<DateTime<Utc>>,
}

/// A dispute to be.
#[derive(Clone, Copy, Debug, Insertable)]
#[diesel(table_name = schema::task_disputes)]
pub struct NewDispute<'a> {
    /// The task.
    pub task_id: TaskId,
    /// Its assignee.
    pub assignee_id: UserId,
    /// Its publisher or its assignee.
    pub opened_by: UserId,
    /// What they say of it.
    pub reason: &'a str,
    /// Now.
    pub opened_at: DateTime<Utc>,
}

/// How a dispute ended.
#[derive(Clone, Copy, Debug)]
pub struct Resolution<'a> {
    /// Who ended it.
    pub by: UserId,
    /// What the assignee gets of the reward.
    pub paid: Money,
    /// What an administrator says of the decision.
    pub note: Option<&'a str>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A task with what is usually shown beside it.
#[derive(Clone, Debug)]
pub struct TaskCard {
    /// The row.
    pub task: Task,
    /// Who asks.
    pub publisher: Arc<User>,
    /// Whether they are suspended.
    pub suspension: Suspension,
    /// Its pictures, in order.
    pub images: Vec<MediaId>,
}

/// A task to be.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::tasks)]
pub struct NewTask {
    /// Who asks.
    pub publisher_id: UserId,
    /// What it is.
    pub title: String,
    /// More about it.
    pub content: String,
    /// The reward.
    pub price: Money,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// Until when it can be accepted.
    pub deadline: Option<DateTime<Utc>>,
    /// Now.
    pub updated_at: DateTime<Utc>,
}

/// What a task is said to be.
#[derive(Clone, Debug, Serialize)]
pub struct CreateTask {
    /// What it is.
    pub title: String,
    /// More about it.
    pub content: String,
    /// The reward.
    pub price: Money,
    /// Until when it can be accepted.
    pub deadline: Option<DateTime<Utc>>,
    /// Its pictures.
    pub images: Vec<MediaId>,
}

/// Changes of a task's row; none keeps.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = schema::tasks)]
pub struct TaskChanges {
    /// What it is.
    pub title: Option<String>,
    /// More about it.
    pub content: Option<String>,
    /// The reward.
    pub price: Option<Money>,
    /// How far it comes.
    pub status: Option<TaskStatus>,
    /// Who does it.
    pub assignee_id: Option<Option<UserId>>,
    /// When it is accepted.
    pub accepted_at: Option<Option<DateTime<Utc>>>,
    /// When it is done.
    pub finished_at: Option<Option<DateTime<Utc>>>,
    /// Until when it can be accepted.
    pub deadline: Option<Option<DateTime<Utc>>>,
    /// When it is submitted.
    pub submitted_at: Option<Option<DateTime<Utc>>>,
    /// What the assignee says of it.
    pub submission_note: Option<Option<String>>,
    /// When it is finished by itself.
    pub finishes_at: Option<Option<DateTime<Utc>>>,
    /// What its assignee is paid.
    pub paid: Option<Option<Money>>,
    /// Whose acceptance ends.
    pub former_assignee_id: Option<Option<UserId>>,
    /// Who ends it.
    pub reopened_by: Option<Option<UserId>>,
    /// Who can't accept it.
    pub refused_ids: Option<Vec<Option<UserId>>>,
    /// Now.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What was seen of a task by a person who accepts it: another task than that is not accepted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected {
    /// The reward.
    pub price: Option<Money>,
    /// When anything of it last changed.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What a publisher changes about a task.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdateTask {
    /// What it is.
    pub title: Patch<String>,
    /// More about it.
    pub content: Patch<String>,
    /// The reward.
    pub price: Patch<Money>,
    /// Until when it can be accepted.
    pub deadline: Patch<DateTime<Utc>>,
    /// Its pictures.
    pub images: Patch<Vec<MediaId>>,
}

impl UpdateTask {
    /// Whether it says anything.
    #[must_use]
    pub fn changes_content(&self) -> bool {
        let Self { title, content, price, deadline, images } = self;
        !(title.is_keep() && content.is_keep() && price.is_keep() && deadline.is_keep() && images.is_keep())
    }
}

/// Which tasks a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct TaskFilter {
    /// Words to look for.
    pub query: Option<String>,
    /// In one of these states.
    pub status: Option<Vec<TaskStatus>>,
    /// From this reward.
    pub min_price: Option<Money>,
    /// Up to this reward.
    pub max_price: Option<Money>,
    /// Of this person.
    pub publisher_id: Option<UserId>,
    /// Done by this person.
    pub assignee_id: Option<UserId>,
}

/// What a list of tasks is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize)]
pub enum TaskOrderField {
    /// When they were published.
    CreatedAt,
    /// What they pay.
    Price,
}

/// The order of a list of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct TaskSort {
    /// By what.
    pub field: TaskOrderField,
    /// The largest first.
    pub descending: bool,
}
