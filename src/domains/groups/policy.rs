//! What groups may be, and who may do what in them, as pure functions.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{
    CreateGroup, Group, GroupAction, GroupChanges, GroupError, GroupJoinRequest, GroupMember, GroupRole, GroupSettings,
    Standing, UpdateGroup, UpdateGroupSettings,
};
use crate::domains::friends::model::{RequestDecision, RequestStatus};
use crate::error::{AppError, AppResult, UserError};
use crate::geo::{GeoPoint, GridCell};
use crate::ids::UserId;
use crate::text::{TextError, check_length, check_line, check_lines, check_optional_lines, check_query, is_name, nfc};
use crate::validation::{DomainError, Patch, Validation};

/// Members of a group at most; the table says so as well.
pub const MEMBER_LIMIT: i32 = 500;

/// Managers of a group at most.
pub const MANAGER_LIMIT: usize = 20;

/// Friends who are invited at once.
pub const MOST_INVITED: usize = 100;

/// How long a request to join waits for an answer.
pub const JOIN_REQUEST_LIFETIME: TimeDelta = TimeDelta::days(30);

/// The longest that a member can be muted for, in minutes: 30 days.
pub const MOST_MINUTES: i32 = 43_200;

/// Characters of a name.
const LONGEST_NAME: usize = 50;

/// Characters of what a group is about.
const LONGEST_INTRO: usize = 500;

/// Characters of an announcement.
const LONGEST_ANNOUNCEMENT: usize = 2000;

/// Characters of what members are looked for by.
const LONGEST_QUERY: usize = 100;

/// Characters of what is said with a request, or with its denial.
const LONGEST_REASON: usize = 200;

/// Characters of what a member is called in a group.
const LONGEST_NAME_CARD: usize = 30;

/// Whether a user can do something in a group, as far as that is decided by what they are to it.
#[must_use]
pub fn allows(action: GroupAction, standing: Standing, group: &Group) -> bool {
    let GroupSettings { disable_join_requests: is_closed, mute_all, .. } = group.settings;
    let Some(role) = standing.role else {
        let has_room = group.member_count < MEMBER_LIMIT;
        return action == GroupAction::RequestToJoin && !is_closed && !standing.waits && has_room;
    };
    let is_owner = role == GroupRole::Owner;
    match action {
        GroupAction::RequestToJoin => false,
        GroupAction::Send => !standing.is_muted && (!mute_all || role.is_staff()),
        GroupAction::Invite => role.is_staff() || !is_closed,
        GroupAction::Edit | GroupAction::AnswerJoinRequests | GroupAction::MuteMembers | GroupAction::RemoveMembers => {
            role.is_staff()
        }
        GroupAction::SetManagers | GroupAction::Transfer | GroupAction::Dissolve => is_owner,
        GroupAction::Leave => !is_owner || group.member_count == 1,
    }
}

/// All that a user can do in a group.
#[must_use]
pub fn available_actions(standing: Standing, group: &Group) -> Vec<GroupAction> {
    const ALL: [GroupAction; 11] = [
        GroupAction::Send,
        GroupAction::Edit,
        GroupAction::Invite,
        GroupAction::RequestToJoin,
        GroupAction::AnswerJoinRequests,
        GroupAction::MuteMembers,
        GroupAction::RemoveMembers,
        GroupAction::SetManagers,
        GroupAction::Transfer,
        GroupAction::Leave,
        GroupAction::Dissolve,
    ];
    ALL.into_iter().filter(|action| allows(*action, standing, group)).collect()
}

/// Whether a member may do something that their role decides.
///
/// # Errors
/// [`GroupError::NotMember`], [`GroupError::NotOwner`], [`GroupError::InvitesClosed`], [`GroupError::OwnerMustTransfer`] or
/// [`GroupError::NotStaff`].
pub fn check_allowed(action: GroupAction, member: Option<&GroupMember>, group: &Group) -> Result<(), GroupError> {
    let role = member.map(|member| member.role).ok_or(GroupError::NotMember)?;
    if allows(action, Standing { role: Some(role), ..Standing::default() }, group) {
        return Ok(());
    }
    Err(match action {
        GroupAction::SetManagers | GroupAction::Transfer | GroupAction::Dissolve => GroupError::NotOwner,
        GroupAction::Invite => GroupError::InvitesClosed,
        GroupAction::Leave => GroupError::OwnerMustTransfer,
        GroupAction::Send
        | GroupAction::Edit
        | GroupAction::RequestToJoin
        | GroupAction::AnswerJoinRequests
        | GroupAction::MuteMembers
        | GroupAction::RemoveMembers => GroupError::NotStaff,
    })
}

/// Whether one role ranks above another.
///
/// # Errors
/// [`GroupError::NotBelow`].
pub fn check_below(own: GroupRole, other: GroupRole) -> Result<(), GroupError> {
    let is_above = match own {
        GroupRole::Owner => other != GroupRole::Owner,
        GroupRole::Manager => other == GroupRole::General,
        GroupRole::General => false,
    };
    if is_above { Ok(()) } else { Err(GroupError::NotBelow) }
}

/// Whether general members see who another member is.
#[must_use]
pub fn shows_members(role: Option<GroupRole>, settings: GroupSettings) -> bool {
    role.is_some_and(|role| role.is_staff() || !settings.disable_view_member)
}

/// Whether a user sees where a group is; others see how far away it is.
#[must_use]
pub fn shows_position(role: Option<GroupRole>) -> bool {
    role.is_some_and(GroupRole::is_staff)
}

fn check_coordinates(place: GeoPoint) -> Result<(), GroupError> {
    if place.is_on_earth() { Ok(()) } else { Err(GroupError::CoordinatesOutOfRange) }
}

/// Whether a user may ask to join a group.
///
/// # Errors
/// [`GroupError::AlreadyIn`], [`GroupError::RequestPending`], [`GroupError::Closed`] or [`GroupError::Full`].
pub fn check_request(group: &Group, is_member: bool, waits: bool) -> Result<(), GroupError> {
    if is_member {
        return Err(GroupError::AlreadyIn);
    }
    if waits {
        return Err(GroupError::RequestPending);
    }
    if group.settings.disable_join_requests {
        return Err(GroupError::Closed);
    }
    check_room(group, 1)
}

/// Whether so many can be added to a group.
///
/// # Errors
/// [`GroupError::Full`].
pub fn check_room(group: &Group, more: usize) -> Result<(), GroupError> {
    let room = usize::try_from(MEMBER_LIMIT - group.member_count).unwrap_or(0);
    if more <= room { Ok(()) } else { Err(GroupError::Full(MEMBER_LIMIT)) }
}

/// Whether an answer to the last request of a user changes anything.
///
/// # Errors
/// [`GroupError::NoSuchRequest`], or [`GroupError::RequestOver`] for one that is over or was answered otherwise.
pub fn check_answer(
    last: Option<&GroupJoinRequest>,
    decision: RequestDecision,
    now: DateTime<Utc>,
) -> Result<bool, GroupError> {
    let status = last.ok_or(GroupError::NoSuchRequest)?.status_at(now);
    status.changes_to(decision.status()).ok_or(GroupError::RequestOver)
}

/// Whether withdrawing the last request of a user changes anything.
///
/// # Errors
/// As [`check_answer`].
pub fn check_cancel(last: Option<&GroupJoinRequest>, now: DateTime<Utc>) -> Result<bool, GroupError> {
    let status = last.ok_or(GroupError::NoSuchRequest)?.status_at(now);
    status.changes_to(RequestStatus::Cancelled).ok_or(GroupError::RequestOver)
}

/// For how long a member is muted.
///
/// # Errors
/// [`GroupError::MinutesOutOfRange`].
pub fn mute_duration(minutes: i32) -> Result<TimeDelta, GroupError> {
    if (0..=MOST_MINUTES).contains(&minutes) {
        Ok(TimeDelta::minutes(minutes.into()))
    } else {
        Err(GroupError::MinutesOutOfRange(MOST_MINUTES))
    }
}

/// What is said with a request or a denial, without the blanks around it; empty where nothing is.
///
/// # Errors
/// `TOO_LONG` or `INVALID_INPUT`, at `reason`.
pub fn check_reason(reason: &str) -> Result<String, UserError> {
    check_optional_lines(reason, LONGEST_REASON).map_err(|fault| fault.at("reason"))?;
    Ok(reason.trim().to_owned())
}

/// What a member is called in a group, as it is stored; empty for nothing. Others read it as a name.
///
/// # Errors
/// `TOO_LONG` or `INVALID_INPUT`, at `nameCard`.
pub fn check_name_card(name_card: &str) -> Result<String, UserError> {
    let name_card = nfc(name_card.trim()).into_owned();
    check_length(&name_card, LONGEST_NAME_CARD).map_err(|fault| fault.at("nameCard"))?;
    if !name_card.is_empty() && !is_name(&name_card) {
        return Err(TextError::NotName.at("nameCard"));
    }
    Ok(name_card)
}

/// Whether members can be looked for by this.
///
/// # Errors
/// Bad input for what no name has.
pub fn check_member_query(query: Option<&str>) -> AppResult<()> {
    let checked = query.map_or(Ok(()), |query| check_query(query, LONGEST_QUERY));
    checked.map_err(|fault| AppError::bad_input(format!("`query` can't be looked for. {fault}")))
}

/// Whether users can be added at once: each once, and not too many.
///
/// # Errors
/// At each that is there twice; `OUT_OF_RANGE` for too many.
pub fn check_users(users: &[UserId], most: usize, path: &str) -> Result<(), Vec<UserError>> {
    if users.len() > most {
        return Err(vec![GroupError::TooManyAtOnce(most).at(path)]);
    }
    let mut seen = HashSet::new();
    let repeated = users.iter().enumerate().filter(|(_, user)| !seen.insert(**user));
    let errors: Vec<UserError> = repeated.map(|(n, _)| GroupError::RepeatedUser.at(&format!("{path}.{n}"))).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Checks what a group is said to be.
///
/// # Errors
/// All that is wrong with it.
pub fn validate_create(draft: &CreateGroup) -> Result<(), Vec<UserError>> {
    let mut validation = Validation::default();
    validation.check(check_line(&draft.name, LONGEST_NAME), "input.name");
    validation.check(check_optional_lines(&draft.intro, LONGEST_INTRO), "input.intro");
    validation.check(draft.coordinates.map_or(Ok(()), check_coordinates), "input.coordinates");
    validation.into_result()?;
    let most = usize::try_from(MEMBER_LIMIT - 1).unwrap_or(0);
    check_users(&draft.members, most, "input.memberIds")
}

/// Checks what changes about a group: columns of its row, and the cell that it is in.
///
/// # Errors
/// All that is wrong with it.
pub fn validate_update(update: UpdateGroup) -> Result<(GroupChanges, Patch<GridCell>), Vec<UserError>> {
    let UpdateGroup { name, intro, announcement, avatar, settings, coordinates } = update;
    let UpdateGroupSettings {
        disable_add_member,
        disable_view_member,
        disable_join_requests,
        enable_history_for_new_members,
        mute_all,
    } = settings;
    let mut validation = Validation::default();
    let name = validation.required(name, "input.name", |name| check_line(name, LONGEST_NAME));
    let intro = validation.required(intro, "input.intro", |intro| check_optional_lines(intro, LONGEST_INTRO));
    let announcement = validation
        .clearable(announcement, "input.announcement", |announcement| check_lines(announcement, LONGEST_ANNOUNCEMENT));
    let coordinates = validation.clearable(coordinates, "input.coordinates", |place| check_coordinates(*place));
    let changes = GroupChanges {
        name: name.map(|name| name.trim().to_owned()),
        intro: intro.map(|intro| intro.trim().to_owned()),
        announcement: announcement.map(|announcement| announcement.trim().to_owned()).into_change(),
        avatar_id: avatar.into_change(),
        disable_add_member,
        disable_view_member,
        disable_join_requests,
        enable_history_for_new_members,
        mute_all,
        // Set by the use case.
        updated_at: None,
    };
    validation.into_result().map(|()| (changes, coordinates.map(GeoPoint::cell)))
}
