//! What can go wrong with a task, for the person to act on.

use chrono::{DateTime, Utc};

use crate::domains::tasks::model::TaskStatus;
use crate::error::{Detail, UserError, UserErrorCode};
use crate::money::Money;
use crate::validation::DomainError;

/// What can go wrong with a task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Required,
    /// No such task, or not for the viewer to see.
    #[error("There is no such task.")]
    NoSuchTask,
    /// Another user's.
    #[error("Only its publisher can do this.")]
    NotPublisher,
    /// Another person does it.
    #[error("Only its assignee can do this.")]
    NotAssignee,
    /// Neither its publisher nor its assignee.
    #[error("Only its publisher and its assignee can do this.")]
    NotParty,
    /// For administrators alone.
    #[error("Only an administrator can do this, and none who has a part in the task.")]
    NotAdmin,
    /// An administrator changes what another person pays.
    #[error("Only its publisher can change the reward.")]
    RewardOfOthers,
    /// This person had the task before.
    #[error("You had this task before: it is for others now.")]
    Refused,
    /// Its publisher takes no help from this person, who is not told why.
    #[error("This task is for others.")]
    ForOthers,
    /// The viewer blocks its publisher.
    #[error("You block its publisher: unblock them first.")]
    Blocked,
    /// Its publisher is suspended.
    #[error("Its publisher is suspended: nobody can accept it before that ends.")]
    PublisherSuspended,
    /// Its deadline is over.
    #[error("It could be accepted until {}.", .0.format("%Y-%m-%dT%H:%M:%SZ"))]
    DeadlinePassed(DateTime<Utc>),
    /// Too early, or too far away.
    #[error("A deadline is at most a year from now, and not over.")]
    DeadlineOutOfRange,
    /// It pays something else by now.
    #[error("The reward is {0} now.")]
    PriceChanged(Money),
    /// It says something else by now.
    #[error("The task was changed at {}.", .0.format("%Y-%m-%dT%H:%M:%S%.3fZ"))]
    Changed(DateTime<Utc>),
    /// Enough accepted tasks that are not over.
    #[error("You have accepted {0} tasks that are not over, which is the most: see one through, or abandon it.")]
    TooManyAccepted(u32),
    /// More than the reward, or less than nothing.
    #[error("The assignee is paid 0.00 to {0}.")]
    PaymentOutOfRange(Money),
    /// One's own.
    #[error("This task is your own.")]
    OwnTask,
    /// Accepted, done or called off.
    #[error("This task is {}, not OPEN.", .0.name())]
    NotOpen(TaskStatus),
    /// Not yet.
    #[error("It can be released from {} on: at its deadline, or seven days after it was accepted.", .0.format("%Y-%m-%dT%H:%M:%SZ"))]
    TooEarly(DateTime<Utc>),
    /// The state can't be changed to that.
    #[error("A task that is {} can't become {}.", .from.name(), .to.name())]
    IllegalTransition {
        /// As it is.
        from: TaskStatus,
        /// As it was to be.
        to: TaskStatus,
        /// What the actor can make of it.
        allowed: Vec<TaskStatus>,
    },
}

impl DomainError for TaskError {
    fn required() -> Self {
        Self::Required
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Required => UserErrorCode::Required,
            Self::NoSuchTask => UserErrorCode::NotFound,
            Self::NotPublisher
            | Self::NotAssignee
            | Self::NotParty
            | Self::NotAdmin
            | Self::RewardOfOthers
            | Self::ForOthers
            | Self::Refused => UserErrorCode::Forbidden,
            Self::Blocked => UserErrorCode::Blocked,
            Self::DeadlineOutOfRange | Self::PaymentOutOfRange(_) => UserErrorCode::OutOfRange,
            Self::OwnTask => UserErrorCode::OwnTask,
            Self::NotOpen(_) => UserErrorCode::TaskNotOpen,
            Self::TooEarly(_)
            | Self::PublisherSuspended
            | Self::DeadlinePassed(_)
            | Self::PriceChanged(_)
            | Self::Changed(_)
            | Self::TooManyAccepted(_) => UserErrorCode::Conflict,
            Self::IllegalTransition { .. } => UserErrorCode::IllegalTransition,
        };
        let error = UserError::new(code, self.to_string(), path);
        let detail = match self {
            Self::IllegalTransition { from, to, allowed } => {
                let allowed = allowed.iter().map(|status| status.name()).collect();
                Detail::Transition { from: from.name(), to: to.name(), allowed }
            }
            Self::PriceChanged(price) => Detail::Current(price.to_string()),
            Self::Changed(at) => Detail::Current(at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)),
            _ => return error,
        };
        UserError { detail: Some(detail), ..error }
    }
}
