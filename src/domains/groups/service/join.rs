//! Requests to join groups, which members of a group's merchant need no answer to.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::TimeDelta;
use diesel_async::AsyncPgConnection;

use super::{HeldGroup, lock_group, tell_answered};
use crate::domains::accounts::service::lock_person_shared;
use crate::domains::friends::model::{RequestDecision, RequestStatus};
use crate::domains::groups::model::{
    AnsweredJoinRequest, GroupAction, GroupError, GroupJoinRequest, GroupRole, NewJoinRequest,
};
use crate::domains::groups::store::requests::{JoinRequestFilter, JoinRequestScope};
use crate::domains::groups::{policy, store};
use crate::domains::{merchants, relations};
use crate::error::{AppError, AppResult};
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::ids::{GroupId, GroupJoinRequestId, MerchantId, UserId};
use crate::page::{Page, PageRequest};
use crate::rate_limit;
use crate::scope::Scope;
use crate::validation::DomainError;

/// Asks to join a group; those who run it are told. Who has joined the group's merchant is a member at once.
///
/// # Errors
/// `TOO_LONG` and `INVALID_INPUT` for the reason; `NOT_FOUND`, `ALREADY_EXISTS` for a member, `REQUEST_PENDING`, `GROUP_CLOSED`,
/// `GROUP_FULL`, `RATE_LIMITED`.
pub async fn request(scope: &Scope, id: GroupId, reason: &str) -> AppResult<AnsweredJoinRequest> {
    let reason = policy::check_reason(reason)?;
    let now = scope.app.clock.now();
    let buckets = rate_limit::viewer_buckets(
        scope.requester(),
        "requests to join",
        scope.app.config.rates.friend_requests,
        TimeDelta::days(1),
    )?;
    scope
        .transaction(async |conn| {
            let held = lock_group(scope, conn, id, "groupId").await?;
            let last = store::requests::find_last(conn, id, held.viewer).await?;
            let waiting = last.filter(|last| last.status_at(now) == RequestStatus::Waiting);
            let joins_at_once = joins_at_once(scope, conn, &held).await?;
            let checked =
                policy::check_request(&held.group, held.member.is_some(), waiting.is_some() && !joins_at_once);
            checked.map_err(|error| error.at("groupId"))?;
            rate_limit::consume(conn, &buckets, now).await?;
            let request = if let Some(waiting) = waiting {
                waiting
            } else {
                let expires_at = now + policy::JOIN_REQUEST_LIFETIME;
                let new = NewJoinRequest { group: id, user: held.viewer, reason: &reason, now, expires_at };
                store::requests::insert_request(conn, &new).await?
            };
            if joins_at_once {
                return accept(scope, conn, &held, &request).await;
            }
            tell_staff(scope, conn, EventKind::GroupJoinRequestCreated, &request).await?;
            Ok(AnsweredJoinRequest { request, member: None })
        })
        .await
}

/// Whether the viewer needs no answer to join a group that is held.
async fn joins_at_once(scope: &Scope, conn: &AsyncPgConnection, held: &HeldGroup) -> AppResult<bool> {
    let Some(merchant) = held.group.merchant_id else { return Ok(false) };
    let key = (merchant, held.group.owner_id);
    Ok(list_at_once(scope, conn, &[key]).await?.contains(&key))
}

/// Merchants whose groups, if they are of certain owners, the viewer joins without an answer: they have joined the merchant, and
/// the owner does not block them.
async fn list_at_once(
    scope: &Scope,
    conn: &AsyncPgConnection,
    keys: &[(MerchantId, UserId)],
) -> AppResult<HashSet<(MerchantId, UserId)>> {
    let viewer = scope.viewer()?.user_id;
    let (ids, owners): (Vec<MerchantId>, Vec<UserId>) = keys.iter().copied().unzip();
    let joined = merchants::service::members::load_joined(conn, viewer, &ids).await?;
    let blocks = relations::service::list_blocks_among(conn, viewer, &owners).await?;
    let is_open =
        |(merchant, owner): &(MerchantId, UserId)| joined.contains_key(merchant) && !blocks.contains(&(*owner, viewer));
    Ok(keys.iter().copied().filter(is_open).collect())
}

/// For pairs of a group's merchant and owner, whether the viewer joins without an answer.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn load_at_once(
    scope: &Scope,
    keys: &[(MerchantId, UserId)],
) -> AppResult<HashMap<(MerchantId, UserId), bool>> {
    let open = list_at_once(scope, &*scope.db.read().await?, keys).await?;
    Ok(keys.iter().map(|key| (*key, open.contains(key))).collect())
}

/// Lets a user in who asked to join, or denies it. Answered alike again, nothing changes.
///
/// # Errors
/// `TOO_LONG` and `INVALID_INPUT` for the reason; `NOT_FOUND`, at `userId` for a user who did not ask; `NOT_MEMBER`,
/// `FORBIDDEN`, `GROUP_FULL`; `CONFLICT` for a request that is over or was answered otherwise.
pub async fn respond(
    scope: &Scope,
    id: GroupId,
    user: UserId,
    decision: RequestDecision,
    reason: Option<&str>,
) -> AppResult<AnsweredJoinRequest> {
    let reason = policy::check_reason(reason.unwrap_or_default())?;
    let now = scope.app.clock.now();
    scope
        .transaction(async |conn| {
            let missing = || GroupError::NoSuchRequest.at("userId");
            // Accounts are held before groups; a user who left has no requests.
            let is_there = lock_person_shared(conn, user).await?;
            let held = lock_group(scope, conn, id, "groupId").await?;
            held.allow(GroupAction::AnswerJoinRequests, "groupId")?;
            let last = store::requests::find_last(conn, id, user).await?.filter(|_| is_there);
            let changes = policy::check_answer(last.as_ref(), decision, now).map_err(|error| error.at("userId"))?;
            let request = last.ok_or_else(missing)?;
            if !changes {
                let member = store::members::find_member(conn, id, user).await?;
                return Ok(AnsweredJoinRequest { request, member });
            }
            if decision == RequestDecision::Accept {
                return accept(scope, conn, &held, &request).await;
            }
            let reason = Some(reason.as_str()).filter(|reason| !reason.is_empty());
            let request = store::requests::end_request(conn, request.id, RequestStatus::Denied, reason, now).await?;
            tell_answered(scope, conn, std::slice::from_ref(&request)).await?;
            Ok(AnsweredJoinRequest { request, member: None })
        })
        .await
}

async fn accept(
    scope: &Scope,
    conn: &AsyncPgConnection,
    held: &HeldGroup,
    request: &GroupJoinRequest,
) -> AppResult<AnsweredJoinRequest> {
    policy::check_room(&held.group, 1).map_err(|error| error.at("groupId"))?;
    let mut added = held.add(scope, conn, &[request.user_id]).await?;
    let request = added.accepted.pop().ok_or_else(|| AppError::internal("a request that waits was not accepted"))?;
    Ok(AnsweredJoinRequest { request, member: added.members.pop() })
}

/// Withdraws the viewer's request to join a group. Withdrawn again, nothing changes.
///
/// # Errors
/// `NOT_FOUND`; `CONFLICT` for one that is over.
pub async fn cancel(scope: &Scope, id: GroupId) -> AppResult<AnsweredJoinRequest> {
    let now = scope.app.clock.now();
    scope
        .transaction(async |conn| {
            let held = lock_group(scope, conn, id, "groupId").await?;
            let last = store::requests::find_last(conn, id, held.viewer).await?;
            let changes = policy::check_cancel(last.as_ref(), now).map_err(|error| error.at("groupId"))?;
            let request = last.ok_or_else(|| GroupError::NoSuchRequest.at("groupId"))?;
            if !changes {
                return Ok(AnsweredJoinRequest { request, member: None });
            }
            let request = store::requests::end_request(conn, request.id, RequestStatus::Cancelled, None, now).await?;
            tell_staff(scope, conn, EventKind::GroupJoinRequestAnswered, &request).await?;
            Ok(AnsweredJoinRequest { request, member: None })
        })
        .await
}

/// Records something of a request for all who run the group.
async fn tell_staff(
    scope: &Scope,
    conn: &AsyncPgConnection,
    kind: EventKind,
    request: &GroupJoinRequest,
) -> AppResult<()> {
    let roles = [GroupRole::Owner, GroupRole::Manager];
    let staff = store::members::list_with_roles(conn, request.group_id, &roles).await?;
    let event = |user: UserId| NewEvent { subject_id: Some(request.id.0), ..NewEvent::new(kind, Topic::user(user)) };
    let events: Vec<NewEvent> = staff.iter().map(|member| event(member.user_id)).collect();
    scope.record(conn, &events).await
}

/// Which requests a list has.
#[derive(Clone, Copy, Debug)]
pub enum JoinRequestList {
    /// The viewer's own.
    Own(Option<RequestStatus>),
    /// Those to join a group that the viewer runs, or any of those.
    Received(Option<GroupId>, Option<RequestStatus>),
}

impl JoinRequestList {
    async fn load(self, scope: &Scope, conn: &AsyncPgConnection) -> AppResult<JoinRequestFilter> {
        let (viewer, now) = (scope.viewer()?.user_id, scope.app.clock.now());
        Ok(match self {
            Self::Own(status) => JoinRequestFilter { scope: JoinRequestScope::From(viewer), status, now },
            Self::Received(group, status) => {
                let mut run = store::members::list_run_by(conn, viewer).await?;
                run.retain(|id| group.is_none_or(|group| group == *id));
                JoinRequestFilter { scope: JoinRequestScope::To(run), status, now }
            }
        })
    }
}

/// A page of requests to join, the newest first.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list(
    scope: &Scope,
    list: JoinRequestList,
    page: &PageRequest<GroupJoinRequestId>,
) -> AppResult<Page<GroupJoinRequest>> {
    let conn = scope.db.read().await?;
    let rows = store::requests::list_requests(&conn, &list.load(scope, &conn).await?, page).await?;
    Ok(page.page(rows, |request| request.id))
}

/// How many requests to join a list has, up to a bound.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count(scope: &Scope, list: JoinRequestList, bound: i64) -> AppResult<i64> {
    let conn = scope.db.read_long().await?;
    Ok(store::requests::count_requests(&conn, &list.load(scope, &conn).await?, bound).await?)
}

/// Requests by id, of those that the viewer sees: their own, and those to join groups that they run.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn load_visible(
    scope: &Scope,
    ids: &[GroupJoinRequestId],
) -> AppResult<HashMap<GroupJoinRequestId, Arc<GroupJoinRequest>>> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read().await?;
    let found = store::requests::list_by_ids(&conn, ids).await?;
    let pairs: Vec<(GroupId, UserId)> = found.iter().map(|request| (request.group_id, viewer)).collect();
    let own = store::members::list_at(&conn, &pairs).await?;
    let run: HashSet<GroupId> =
        own.into_iter().filter(|member| member.role.is_staff()).map(|member| member.group_id).collect();
    let seen = found.into_iter().filter(|request| request.user_id == viewer || run.contains(&request.group_id));
    Ok(seen.map(|request| (request.id, Arc::new(request))).collect())
}
