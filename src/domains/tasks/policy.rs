//! What tasks may be, who may do what with them, and where their states lead.

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{Task, TaskAction, TaskChanges, TaskDraft, TaskError, TaskStatus, TaskUpdate};
use crate::change::Faults;
use crate::domains::media::policy::check_images;
use crate::error::UserError;
use crate::ids::{MediaId, UserId};
use crate::money::{Money, check_price};
use crate::text::{check_line, check_lines};

const LONGEST_TITLE: usize = 100;
const LONGEST_CONTENT: usize = 5000;

/// How long whoever accepted a task has before its publisher can take it back.
pub const SILENCE: TimeDelta = TimeDelta::days(7);

/// Checks what a task is said to be.
///
/// # Errors
/// All that is wrong with it.
pub fn judge_draft(draft: &TaskDraft) -> Result<(), Vec<UserError>> {
    let mut faults = Faults::default();
    faults.check(check_line(&draft.title, LONGEST_TITLE), "input.title");
    faults.check(check_lines(&draft.content, LONGEST_CONTENT), "input.content");
    faults.check(check_price(draft.price, Money::default()), "input.price");
    faults.check(check_images(&draft.images), "input.imageIds");
    faults.none()
}

/// Checks what a publisher changes; the state is looked at once the task is held.
///
/// # Errors
/// All that is wrong with it.
pub fn judge_update(update: TaskUpdate) -> Result<(TaskChanges, Option<Vec<MediaId>>), Vec<UserError>> {
    let mut faults = Faults::default();
    let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
    let changes = TaskChanges {
        title: trimmed(faults.required(update.title, "input.title", |title| check_line(title, LONGEST_TITLE))),
        content: trimmed(
            faults.required(update.content, "input.content", |content| check_lines(content, LONGEST_CONTENT)),
        ),
        price: faults.required(update.price, "input.price", |price| check_price(*price, Money::default())),
        ..TaskChanges::default()
    };
    let images = faults.required(update.images, "input.imageIds", |images| check_images(images));
    faults.none().map(|()| (changes, images))
}

/// Who asks to do something with a task.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// Who.
    pub id: UserId,
    /// Whether they are an administrator.
    pub is_admin: bool,
    /// When.
    pub now: DateTime<Utc>,
}

/// Where an action leads.
fn target(action: TaskAction) -> Option<TaskStatus> {
    match action {
        TaskAction::Edit => None,
        TaskAction::Accept => Some(TaskStatus::Accepted),
        TaskAction::Abandon | TaskAction::Release => Some(TaskStatus::Open),
        TaskAction::Finish => Some(TaskStatus::Finished),
        TaskAction::Cancel => Some(TaskStatus::Cancelled),
    }
}

const ACTIONS: [TaskAction; 6] = [
    TaskAction::Edit,
    TaskAction::Accept,
    TaskAction::Abandon,
    TaskAction::Finish,
    TaskAction::Release,
    TaskAction::Cancel,
];

/// What somebody may do with a task that they see.
#[must_use]
pub fn available_actions(task: &Task, asker: Asker) -> Vec<TaskAction> {
    ACTIONS.into_iter().filter(|action| why_not(task, asker, *action).is_none()).collect()
}

/// Whether somebody may do this with a task that they see.
///
/// # Errors
/// Why not.
pub fn check(task: &Task, asker: Asker, action: TaskAction) -> Result<(), TaskError> {
    match why_not(task, asker, action) {
        None => Ok(()),
        Some(TaskError::IllegalTransition { from, to, .. }) => {
            Err(TaskError::IllegalTransition { from, to, allowed: next_statuses(task, asker) })
        }
        Some(error) => Err(error),
    }
}

/// All rules about who may do what, and when.
fn why_not(task: &Task, asker: Asker, action: TaskAction) -> Option<TaskError> {
    let is_publisher = task.publisher_id == asker.id;
    let is_theirs = is_publisher || asker.is_admin;
    // Of a cancelled task others don't learn that it was there; who was just about to accept it does.
    let concerns = is_theirs || task.assignee_id == Some(asker.id) || action == TaskAction::Accept;
    if task.status == TaskStatus::Cancelled && !concerns {
        return Some(TaskError::NoSuchTask);
    }
    let stranger = match action {
        TaskAction::Accept => is_publisher.then_some(TaskError::OwnTask),
        TaskAction::Edit | TaskAction::Cancel | TaskAction::Release => (!is_theirs).then_some(TaskError::NotPublisher),
        TaskAction::Finish => (!is_publisher).then_some(TaskError::NotPublisher),
        TaskAction::Abandon => (task.assignee_id != Some(asker.id)).then_some(TaskError::NotAssignee),
    };
    if stranger.is_some() {
        return stranger;
    }
    let (is_open, is_accepted) = (task.status == TaskStatus::Open, task.status == TaskStatus::Accepted);
    let illegal = |to| Some(TaskError::IllegalTransition { from: task.status, to, allowed: Vec::new() });
    match action {
        TaskAction::Cancel if asker.is_admin && !is_open && !is_accepted => illegal(TaskStatus::Cancelled),
        TaskAction::Cancel if asker.is_admin => None,
        TaskAction::Edit | TaskAction::Accept | TaskAction::Cancel => {
            (!is_open).then_some(TaskError::NotOpen(task.status))
        }
        TaskAction::Finish if !is_accepted => illegal(TaskStatus::Finished),
        TaskAction::Abandon | TaskAction::Release if !is_accepted => illegal(TaskStatus::Open),
        TaskAction::Release if !asker.is_admin => {
            let from = task.accepted_at.map(|at| at + SILENCE).filter(|from| asker.now < *from);
            from.map(TaskError::TooEarly)
        }
        TaskAction::Finish | TaskAction::Abandon | TaskAction::Release => None,
    }
}

/// The states that somebody can bring a task to.
fn next_statuses(task: &Task, asker: Asker) -> Vec<TaskStatus> {
    let reached: Vec<TaskStatus> = available_actions(task, asker).into_iter().filter_map(target).collect();
    TaskStatus::ALL.iter().copied().filter(|status| reached.contains(status)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TaskId;

    #[test]
    fn who_may_do_what_in_which_state() {
        let (ada, bo, lan) = (UserId(1), UserId(2), UserId(3));
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let task = |status| Task {
            id: TaskId(1),
            publisher_id: ada,
            assignee_id: (status != TaskStatus::Open).then_some(bo),
            title: String::new(),
            content: String::new(),
            price: Money::default(),
            status,
            accepted_at: (status != TaskStatus::Open).then_some(at),
            finished_at: None,
            created_at: at,
            updated_at: at,
        };
        let actions = |status, id, is_admin, days| {
            let asker = Asker { id, is_admin, now: at + TimeDelta::days(days) };
            available_actions(&task(status), asker)
                .iter()
                .map(|action| format!("{action:?}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(actions(TaskStatus::Open, ada, false, 0), "Edit Cancel");
        assert_eq!(actions(TaskStatus::Open, bo, false, 0), "Accept");
        assert_eq!(actions(TaskStatus::Open, lan, true, 0), "Edit Accept Cancel");
        assert_eq!(actions(TaskStatus::Accepted, ada, false, 6), "Finish");
        assert_eq!(actions(TaskStatus::Accepted, ada, false, 7), "Finish Release");
        assert_eq!(actions(TaskStatus::Accepted, bo, false, 8), "Abandon");
        assert_eq!(actions(TaskStatus::Accepted, lan, false, 8), "");
        assert_eq!(actions(TaskStatus::Accepted, lan, true, 0), "Release Cancel");
        for status in [TaskStatus::Finished, TaskStatus::Cancelled] {
            assert!([ada, bo, lan].into_iter().all(|id| actions(status, id, true, 9).is_empty()));
        }
    }
}
