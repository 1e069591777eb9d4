//! What tasks may be, who may do what with them, and where their states lead.

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{CreateTask, Expected, Task, TaskAction, TaskChanges, TaskError, TaskStatus, UpdateTask};
use crate::domains::media::policy::check_images;
use crate::domains::relations::model::BlockState;
use crate::error::UserError;
use crate::ids::{MediaId, UserId};
use crate::money::Money;
use crate::price::check_price;
use crate::text::{check_line, check_lines};
use crate::validation::{DomainError, Validation};

const LONGEST_TITLE: usize = 100;
const LONGEST_CONTENT: usize = 5000;

/// The longest note of a submission, reason of a dispute, or note of a decision.
const LONGEST_REMARK: usize = 1000;

/// The farthest deadline.
const DEADLINE_LIMIT: TimeDelta = TimeDelta::days(366);

/// How long the assignee of a task with a deadline has at least before its publisher can take it back.
pub const RELEASE_DELAY: TimeDelta = TimeDelta::days(1);

/// How long the assignee of a task without a deadline has before its publisher can take it back.
pub const SILENCE_LIMIT: TimeDelta = TimeDelta::days(7);

/// Checks what a task is said to be.
///
/// # Errors
/// All that is wrong with it.
pub fn validate_create(draft: &CreateTask, now: DateTime<Utc>) -> Result<(), Vec<UserError>> {
    let mut validation = Validation::default();
    validation.check(check_line(&draft.title, LONGEST_TITLE), "input.title");
    validation.check(check_lines(&draft.content, LONGEST_CONTENT), "input.content");
    validation.check(check_price(draft.price, Money::default()), "input.price");
    validation.check(draft.deadline.map_or(Ok(()), |deadline| check_deadline(deadline, now)), "input.deadline");
    validation.check(check_images(&draft.images), "input.imageIds");
    validation.into_result()
}

fn check_deadline(deadline: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), TaskError> {
    let fits = deadline > now && deadline <= now + DEADLINE_LIMIT;
    if fits { Ok(()) } else { Err(TaskError::DeadlineOutOfRange) }
}

/// Checks what a publisher changes; the state is looked at once the task is held.
///
/// # Errors
/// All that is wrong with it.
pub fn validate_update(
    update: UpdateTask,
    now: DateTime<Utc>,
) -> Result<(TaskChanges, Option<Vec<MediaId>>), Vec<UserError>> {
    let UpdateTask { title, content, price, deadline, images } = update;
    let mut validation = Validation::default();
    let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
    let changes = TaskChanges {
        title: trimmed(validation.required(title, "input.title", |title| check_line(title, LONGEST_TITLE))),
        content: trimmed(
            validation.required(content, "input.content", |content| check_lines(content, LONGEST_CONTENT)),
        ),
        price: validation.required(price, "input.price", |price| check_price(*price, Money::default())),
        deadline: validation
            .clearable(deadline, "input.deadline", |deadline| check_deadline(*deadline, now))
            .into_change(),
        ..TaskChanges::default()
    };
    let images = validation.required(images, "input.imageIds", |images| check_images(images));
    validation.into_result().map(|()| (changes, images))
}

/// Who asks to do something with a task.
#[derive(Clone, Copy, Debug)]
pub struct TaskActor {
    /// Their account.
    pub id: UserId,
    /// Whether they are an administrator.
    pub is_admin: bool,
    /// When.
    pub now: DateTime<Utc>,
    /// Whether the task's publisher is suspended just now.
    pub publisher_suspended: bool,
    /// So many tasks that are not over have they accepted, which is the most; none while it is fewer.
    pub busy_with: Option<u32>,
}

impl TaskActor {
    /// Administrators have no powers over tasks that they have a part in.
    fn rules(&self, task: &Task) -> bool {
        self.is_admin && !task.is_party(self.id)
    }
}

/// Where an action leads; a resolution may cancel as well.
fn target(action: TaskAction) -> Option<TaskStatus> {
    match action {
        TaskAction::Edit => None,
        TaskAction::Accept => Some(TaskStatus::Accepted),
        TaskAction::Abandon | TaskAction::Release => Some(TaskStatus::Open),
        TaskAction::Submit => Some(TaskStatus::Submitted),
        TaskAction::Dispute => Some(TaskStatus::Disputed),
        TaskAction::Finish | TaskAction::Resolve => Some(TaskStatus::Finished),
        TaskAction::Cancel => Some(TaskStatus::Cancelled),
    }
}

const ACTIONS: [TaskAction; 9] = [
    TaskAction::Edit,
    TaskAction::Accept,
    TaskAction::Abandon,
    TaskAction::Submit,
    TaskAction::Finish,
    TaskAction::Dispute,
    TaskAction::Release,
    TaskAction::Cancel,
    TaskAction::Resolve,
];

/// What the actor may do with a task that they see.
#[must_use]
pub fn available_actions(task: &Task, actor: TaskActor) -> Vec<TaskAction> {
    ACTIONS.into_iter().filter(|action| why_not(task, actor, *action).is_none()).collect()
}

/// Whether the actor may do this with a task that they see.
///
/// # Errors
/// Why not.
pub fn check(task: &Task, actor: TaskActor, action: TaskAction) -> Result<(), TaskError> {
    match why_not(task, actor, action) {
        None => Ok(()),
        Some(TaskError::IllegalTransition { from, to, .. }) => {
            Err(TaskError::IllegalTransition { from, to, allowed: next_statuses(task, actor) })
        }
        Some(error) => Err(error),
    }
}

/// All rules about who may do what, and when.
fn why_not(task: &Task, actor: TaskActor, action: TaskAction) -> Option<TaskError> {
    // Of a cancelled task others don't learn that it was there; who was just about to accept it does.
    let sees = actor.is_admin || task.is_party(actor.id) || action == TaskAction::Accept;
    if task.status == TaskStatus::Cancelled && !sees {
        return Some(TaskError::NoSuchTask);
    }
    why_not_role(task, actor, action).or_else(|| why_not_state(task, actor, action))
}

/// Why this actor may not do this, in any state of the task.
fn why_not_role(task: &Task, actor: TaskActor, action: TaskAction) -> Option<TaskError> {
    let (is_publisher, is_assignee) = (task.publisher_id == actor.id, task.assignee_id == Some(actor.id));
    let rules = actor.rules(task);
    match action {
        TaskAction::Accept => is_publisher.then_some(TaskError::OwnTask),
        TaskAction::Edit | TaskAction::Cancel | TaskAction::Release => {
            (!is_publisher && !rules).then_some(TaskError::NotPublisher)
        }
        TaskAction::Finish => (!is_publisher).then_some(TaskError::NotPublisher),
        TaskAction::Abandon | TaskAction::Submit => (!is_assignee).then_some(TaskError::NotAssignee),
        TaskAction::Dispute => (!is_publisher && !is_assignee && !rules).then_some(TaskError::NotParty),
        TaskAction::Resolve => (!rules).then_some(TaskError::NotAdmin),
    }
}

/// Why this can't be done in the state that the task is in.
fn why_not_state(task: &Task, actor: TaskActor, action: TaskAction) -> Option<TaskError> {
    let (status, rules) = (task.status, actor.rules(task));
    let is_in_hand = matches!(status, TaskStatus::Accepted | TaskStatus::Submitted | TaskStatus::Disputed);
    let illegal = |to| Some(TaskError::IllegalTransition { from: status, to, allowed: Vec::new() });
    match action {
        TaskAction::Accept if status == TaskStatus::Open => why_not_accepted(task, actor),
        TaskAction::Cancel if rules => match status {
            TaskStatus::Open | TaskStatus::Accepted => None,
            _ => illegal(TaskStatus::Cancelled),
        },
        TaskAction::Edit | TaskAction::Accept | TaskAction::Cancel => {
            (status != TaskStatus::Open).then_some(TaskError::NotOpen(status))
        }
        TaskAction::Submit if status != TaskStatus::Accepted => illegal(TaskStatus::Submitted),
        TaskAction::Dispute if status != TaskStatus::Submitted => illegal(TaskStatus::Disputed),
        TaskAction::Resolve if status != TaskStatus::Disputed => illegal(TaskStatus::Finished),
        TaskAction::Finish if !is_in_hand => illegal(TaskStatus::Finished),
        TaskAction::Abandon if !is_in_hand => illegal(TaskStatus::Open),
        TaskAction::Release if status != TaskStatus::Accepted => illegal(TaskStatus::Open),
        TaskAction::Release if !rules => {
            // An assignee who accepts it shortly before the deadline has a day all the same.
            let from =
                task.accepted_at.map(|at| task.deadline.map_or(at + SILENCE_LIMIT, |end| end.max(at + RELEASE_DELAY)));
            from.filter(|from| actor.now < *from).map(TaskError::TooEarly)
        }
        TaskAction::Finish
        | TaskAction::Abandon
        | TaskAction::Release
        | TaskAction::Submit
        | TaskAction::Dispute
        | TaskAction::Resolve => None,
    }
}

/// Why this person can't accept a task that is open.
fn why_not_accepted(task: &Task, actor: TaskActor) -> Option<TaskError> {
    if task.refused_ids.contains(&Some(actor.id)) {
        return Some(TaskError::Refused);
    }
    if actor.publisher_suspended {
        return Some(TaskError::PublisherSuspended);
    }
    let passed = task.deadline.filter(|deadline| *deadline <= actor.now).map(TaskError::DeadlinePassed);
    passed.or(actor.busy_with.map(TaskError::TooManyAccepted))
}

/// The states that the actor can bring a task to.
fn next_statuses(task: &Task, actor: TaskActor) -> Vec<TaskStatus> {
    let reached: Vec<TaskStatus> = available_actions(task, actor).into_iter().filter_map(target).collect();
    TaskStatus::ALL.iter().copied().filter(|status| reached.contains(status)).collect()
}

/// Whether a task is as this action of a person who may do it would leave it, so that the same again is no mistake but a
/// repeat whose first answer was lost. What an action says beyond that is compared apart: notes, reasons, decisions, prices.
#[must_use]
pub fn is_repeat(task: &Task, person: UserId, action: TaskAction) -> bool {
    let (is_publisher, is_assignee) = (task.publisher_id == person, task.assignee_id == Some(person));
    let reopened = |former_is_self: bool| {
        let former = task.former_assignee_id;
        task.status == TaskStatus::Open
            && task.reopened_by == Some(person)
            && (former == Some(person)) == former_is_self
    };
    match action {
        TaskAction::Accept => task.status == TaskStatus::Accepted && is_assignee,
        TaskAction::Submit => task.status == TaskStatus::Submitted && is_assignee,
        TaskAction::Finish => task.status == TaskStatus::Finished && is_publisher && task.payment() == Some(task.price),
        TaskAction::Cancel => task.status == TaskStatus::Cancelled && !is_assignee,
        TaskAction::Abandon => reopened(true),
        TaskAction::Release => reopened(false),
        TaskAction::Edit | TaskAction::Dispute | TaskAction::Resolve => false,
    }
}

/// Whether a task is the one that was seen by a person who accepts it.
///
/// # Errors
/// [`TaskError::PriceChanged`], [`TaskError::Changed`], at their arguments.
pub fn check_expected(task: &Task, expected: Expected) -> Result<(), UserError> {
    if expected.price.is_some_and(|price| price != task.price) {
        return Err(TaskError::PriceChanged(task.price).at("expectedPrice"));
    }
    if expected.updated_at.is_some_and(|at| at.timestamp_millis() != task.updated_at.timestamp_millis()) {
        return Err(TaskError::Changed(task.updated_at).at("expectedUpdatedAt"));
    }
    Ok(())
}

/// Whether a task that is submitted once more was submitted with this note.
///
/// # Errors
/// [`TaskError::IllegalTransition`] at the task.
pub fn check_submission(task: &Task, note: Option<&Option<String>>) -> Result<(), UserError> {
    if note == Some(&task.submission_note) {
        return Ok(());
    }
    let again = TaskError::IllegalTransition { from: task.status, to: TaskStatus::Submitted, allowed: Vec::new() };
    Err(again.at("id"))
}

/// Checks an assignee's note, and gives it as it is stored: none where it says nothing.
///
/// # Errors
/// What is wrong with it, at `note`.
pub fn check_submission_note(note: Option<String>) -> Result<Option<String>, UserError> {
    let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    if let Some(note) = &note {
        check_lines(note, LONGEST_REMARK).map_err(|fault| fault.at("note"))?;
    }
    Ok(note)
}

/// Checks why a task is disputed, or what is said of a decision, and gives it as it is stored.
///
/// # Errors
/// What is wrong with it, at a path.
pub fn check_remark(remark: &str, path: &str) -> Result<String, UserError> {
    check_lines(remark, LONGEST_REMARK).map_err(|fault| fault.at(path))?;
    Ok(remark.trim().to_owned())
}

/// Whether an assignee can be paid so much of a reward.
///
/// # Errors
/// [`TaskError::PaymentOutOfRange`].
pub fn check_payment(paid: Money, price: Money) -> Result<(), TaskError> {
    if (Money::default()..=price).contains(&paid) { Ok(()) } else { Err(TaskError::PaymentOutOfRange(price)) }
}

/// The state that a dispute ends in, when its assignee gets so much of a reward.
#[must_use]
pub fn resolved_status(paid: Money, price: Money) -> TaskStatus {
    if paid == Money::default() && price != paid { TaskStatus::Cancelled } else { TaskStatus::Finished }
}

/// Whether a user may accept a task of another one's, given who of the two blocks the other.
///
/// # Errors
/// [`TaskError::Blocked`] or [`TaskError::ForOthers`].
pub fn check_blocks(blocks: BlockState) -> Result<(), TaskError> {
    match blocks {
        BlockState { own: true, .. } => Err(TaskError::Blocked),
        BlockState { theirs: true, .. } => Err(TaskError::ForOthers),
        BlockState { own: false, theirs: false } => Ok(()),
    }
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
            deadline: None,
            submitted_at: None,
            submission_note: None,
            finishes_at: None,
            paid: None,
            former_assignee_id: None,
            reopened_by: None,
            refused_ids: Vec::new(),
        };
        let actions = |status, id, is_admin, days| {
            let now = at + TimeDelta::days(days);
            let actor = TaskActor { id, is_admin, now, publisher_suspended: false, busy_with: None };
            available_actions(&task(status), actor)
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
        assert_eq!(actions(TaskStatus::Accepted, bo, false, 8), "Abandon Submit");
        assert_eq!(actions(TaskStatus::Accepted, lan, false, 8), "");
        assert_eq!(actions(TaskStatus::Accepted, lan, true, 0), "Release Cancel");
        assert_eq!(actions(TaskStatus::Submitted, ada, false, 9), "Finish Dispute");
        assert_eq!(actions(TaskStatus::Submitted, bo, false, 9), "Abandon Dispute");
        assert_eq!(actions(TaskStatus::Submitted, lan, true, 9), "Dispute");
        assert_eq!(actions(TaskStatus::Disputed, ada, false, 9), "Finish");
        assert_eq!(actions(TaskStatus::Disputed, bo, false, 9), "Abandon");
        assert_eq!(actions(TaskStatus::Disputed, lan, true, 9), "Resolve");
        for status in [TaskStatus::Accepted, TaskStatus::Submitted, TaskStatus::Disputed] {
            let own = |id| (actions(status, id, true, 0), actions(status, id, false, 0));
            for (as_admin, as_user) in [own(ada), own(bo)] {
                assert_eq!(as_admin, as_user, "an administrator's own task");
            }
        }
        for status in [TaskStatus::Finished, TaskStatus::Cancelled] {
            assert!([ada, bo, lan].into_iter().all(|id| actions(status, id, true, 9).is_empty()));
        }
    }
}
