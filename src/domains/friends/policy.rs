//! Who may do what to whom, as pure functions.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{FriendError, FriendFilter, FriendRequest, RequestDecision, RequestStatus};
use crate::domains::relations::model::BlockState;
use crate::error::{AppError, AppResult, UserError};
use crate::text::{TextError, check_line, check_optional_line, check_optional_lines, check_query};
use crate::validation::{DomainError, Validation};

/// Friends of one person at most; the table says so as well.
pub const FRIEND_LIMIT: i32 = 5000;

/// Groups of friends of one person at most.
pub const GROUP_LIMIT: i64 = 100;

/// Groups that are shown of one friend at most; `graphql/document/sizes` counts as many.
pub const SHOWN_GROUPS: usize = 50;

/// Friends that one call sorts into a group, or takes out of it.
pub const MOST_AT_ONCE: usize = 500;

/// How long a request waits for an answer.
pub const REQUEST_LIFETIME: TimeDelta = TimeDelta::days(30);

/// Characters of what is said with a request, or with its denial.
const LONGEST_REASON: usize = 200;

/// Characters of a remark, and of the name of a group.
const LONGEST_NAME: usize = 30;

/// Characters of what friends are looked for by.
const LONGEST_QUERY: usize = 100;

/// Characters of a label.
const LONGEST_LABEL: usize = 20;

/// Labels of a friend.
const MOST_LABELS: usize = 20;

/// What is said with a request or a denial, without the blanks around it; empty where nothing is.
///
/// # Errors
/// `TOO_LONG` or `INVALID_INPUT`, at `reason`.
pub fn check_reason(reason: Option<&str>) -> Result<String, UserError> {
    let reason = reason.unwrap_or_default().trim();
    check_optional_lines(reason, LONGEST_REASON).map_err(|fault| fault.at("reason"))?;
    Ok(reason.to_owned())
}

/// What the owner calls a friend, without the blanks around it; empty for nothing.
///
/// # Errors
/// `TOO_LONG` or `INVALID_INPUT`, at `remark`.
pub fn check_remark(remark: &str) -> Result<String, UserError> {
    let remark = remark.trim();
    check_optional_line(remark, LONGEST_NAME).map_err(|fault| fault.at("remark"))?;
    Ok(remark.to_owned())
}

/// Labels, each without the blanks around it.
///
/// # Errors
/// `OUT_OF_RANGE` for too many; at each that can't be one `REQUIRED`, `TOO_LONG` or `INVALID_INPUT`.
pub fn check_labels(labels: &[String]) -> Result<Vec<String>, Vec<UserError>> {
    if labels.len() > MOST_LABELS {
        return Err(vec![FriendError::TooManyAtOnce(MOST_LABELS).at("labels")]);
    }
    let mut faults = Validation::default();
    let mut seen = HashSet::new();
    let mut checked = Vec::with_capacity(labels.len());
    for (n, label) in labels.iter().enumerate() {
        let (label, path) = (label.trim(), format!("labels.{n}"));
        faults.check::<(), TextError>(check_line(label, LONGEST_LABEL), &path);
        faults.check(seen.insert(label).then_some(()).ok_or(FriendError::RepeatedLabel), &path);
        checked.push(label.to_owned());
    }
    faults.into_result().map(|()| checked)
}

/// The name of a group of friends, without the blanks around it.
///
/// # Errors
/// `REQUIRED`, `TOO_LONG` or `INVALID_INPUT`, at `name`.
pub fn check_group_name(name: &str) -> Result<String, UserError> {
    let name = name.trim();
    check_line(name, LONGEST_NAME).map_err(|fault| fault.at("name"))?;
    Ok(name.to_owned())
}

/// Whether a list can be asked for.
///
/// # Errors
/// Bad input for a query or a label that no friend can have.
pub fn check_filter(filter: &FriendFilter) -> AppResult<()> {
    let query = filter.query.as_ref().map(|query| &query.text);
    for text in [query, filter.label.as_ref()].into_iter().flatten() {
        check_query(text, LONGEST_QUERY)
            .map_err(|fault| AppError::bad_input(format!("A filter's text can't be looked for. {fault}")))?;
    }
    Ok(())
}

/// What a request to another user leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// It waits; hidden from a person who blocks its sender.
    Waits {
        /// Whether the recipient never sees it.
        hidden: bool,
    },
    /// It accepts the one that the other user sent.
    Accepts,
}

/// What a request leads to, given what there is between the two.
///
/// # Errors
/// [`FriendError::Blocked`], [`FriendError::AlreadyFriends`] or [`FriendError::RequestPending`].
pub fn request_outcome(
    are_friends: bool,
    blocks: BlockState,
    own_waits: bool,
    theirs_waits: bool,
) -> Result<RequestOutcome, FriendError> {
    if blocks.own {
        return Err(FriendError::Blocked);
    }
    if are_friends {
        return Err(FriendError::AlreadyFriends);
    }
    // Who blocks the viewer asked before they did; accepting that would tell them of each other.
    if theirs_waits && !blocks.theirs {
        return Ok(RequestOutcome::Accepts);
    }
    if own_waits {
        return Err(FriendError::RequestPending);
    }
    Ok(RequestOutcome::Waits { hidden: blocks.theirs })
}

/// What an answer to the last request of another user does; false where it was answered so already.
///
/// # Errors
/// [`FriendError::NoSuchRequest`] or [`FriendError::RequestOver`].
pub fn check_answer(
    request: Option<&FriendRequest>,
    decision: RequestDecision,
    now: DateTime<Utc>,
) -> Result<bool, FriendError> {
    let request = request.filter(|request| !request.hidden).ok_or(FriendError::NoSuchRequest)?;
    request.status_at(now).changes_to(decision.status()).ok_or(FriendError::RequestOver)
}

/// Whether a request of the viewer's can be withdrawn; false where it was already.
///
/// # Errors
/// [`FriendError::RequestOver`].
pub fn check_cancel(request: &FriendRequest, now: DateTime<Utc>) -> Result<bool, FriendError> {
    request.status_at(now).changes_to(RequestStatus::Cancelled).ok_or(FriendError::RequestOver)
}
