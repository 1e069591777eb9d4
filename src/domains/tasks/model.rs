//! Rows and enums of tasks, and what can go wrong with them.

use std::sync::Arc;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use serde::Serialize;

use crate::change::{Change, Fault};
use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::domains::accounts::model::User;
use crate::error::{Detail, UserError, UserErrorCode};
use crate::ids::{MediaId, TaskId, UserId};
use crate::money::Money;

pg_enum! {
    /// How far a task has come. Its reward is held from the publisher when it is published, paid to the assignee when it
    /// is finished, and given back when it is cancelled.
    #[derive(Enum, Serialize)]
    pub enum TaskStatus: sql_types::TaskStatus {
        /// Waits for somebody to accept it.
        Open = "OPEN",
        /// Somebody does it.
        Accepted = "ACCEPTED",
        /// Done, and paid.
        Finished = "FINISHED",
        /// Called off; seen by those it concerned alone.
        Cancelled = "CANCELLED",
    }
}

impl TaskStatus {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Open, Self::Accepted, Self::Finished, Self::Cancelled];

    /// Its name in the API and in PostgreSQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Accepted => "ACCEPTED",
            Self::Finished => "FINISHED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// What somebody may do with a task now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TaskAction {
    /// `updateTask`.
    Edit,
    /// `acceptTask`.
    Accept,
    /// `abandonTask`.
    Abandon,
    /// `finishTask`.
    Finish,
    /// `releaseTask`.
    Release,
    /// `cancelTask`.
    Cancel,
}

/// Help that somebody asks for.
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
}

/// A task with what is usually shown beside it.
#[derive(Clone, Debug)]
pub struct TaskCard {
    /// The row.
    pub task: Task,
    /// Who asks.
    pub publisher: Arc<User>,
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
    /// Now.
    pub updated_at: DateTime<Utc>,
}

/// What a task is said to be.
#[derive(Clone, Debug, Serialize)]
pub struct TaskDraft {
    /// What it is.
    pub title: String,
    /// More about it.
    pub content: String,
    /// The reward.
    pub price: Money,
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
    /// Now.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What a publisher changes about a task.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TaskUpdate {
    /// What it is.
    pub title: Change<String>,
    /// More about it.
    pub content: Change<String>,
    /// The reward.
    pub price: Change<Money>,
    /// Its pictures.
    pub images: Change<Vec<MediaId>>,
}

impl TaskUpdate {
    /// Whether it says anything.
    #[must_use]
    pub fn changes_it(&self) -> bool {
        let Self { title, content, price, images } = self;
        title.is_some() || content.is_some() || price.is_some() || images.is_some()
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

/// What can go wrong with a task, for the person to act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Required,
    /// No such task, or not for the viewer to see.
    #[error("There is no such task.")]
    NoSuchTask,
    /// Somebody else's.
    #[error("Only its publisher can do this.")]
    NotPublisher,
    /// Somebody else does it.
    #[error("Only who does it can do this.")]
    NotAssignee,
    /// One's own.
    #[error("This task is your own.")]
    OwnTask,
    /// Accepted, done or called off.
    #[error("This task is {}, not OPEN.", .0.name())]
    NotOpen(TaskStatus),
    /// Not yet.
    #[error("It can be released from {} on, seven days after it was accepted.", .0.format("%Y-%m-%dT%H:%M:%SZ"))]
    TooEarly(DateTime<Utc>),
    /// The state can't be changed to that.
    #[error("A task that is {} can't become {}.", .from.name(), .to.name())]
    IllegalTransition {
        /// As it is.
        from: TaskStatus,
        /// As it was to be.
        to: TaskStatus,
        /// What the asker can make of it.
        allowed: Vec<TaskStatus>,
    },
}

impl Fault for TaskError {
    fn required() -> Self {
        Self::Required
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Required => UserErrorCode::Required,
            Self::NoSuchTask => UserErrorCode::NotFound,
            Self::NotPublisher | Self::NotAssignee => UserErrorCode::Forbidden,
            Self::OwnTask => UserErrorCode::OwnTask,
            Self::NotOpen(_) => UserErrorCode::TaskNotOpen,
            Self::TooEarly(_) => UserErrorCode::Conflict,
            Self::IllegalTransition { .. } => UserErrorCode::IllegalTransition,
        };
        let error = UserError::new(code, self.to_string(), path);
        let Self::IllegalTransition { from, to, allowed } = self else { return error };
        let allowed = allowed.iter().map(|status| status.name()).collect();
        UserError { detail: Some(Detail::Transition { from: from.name(), to: to.name(), allowed }), ..error }
    }
}
