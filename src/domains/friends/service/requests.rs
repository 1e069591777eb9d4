//! Requests to become friends.

use chrono::TimeDelta;
use diesel_async::AsyncPgConnection;

use super::{answered, friendship_changed, lock_people, make_friends};
use crate::domains::accounts::service::lock_viewer_shared;
use crate::domains::friends::model::{
    AnsweredRequest, FriendError, FriendRequest, NewRequest, RequestDecision, RequestDirection, RequestStatus,
};
use crate::domains::friends::policy::{self, RequestOutcome};
use crate::domains::friends::store;
use crate::domains::friends::store::requests::RequestList;
use crate::domains::{groups, relations};
use crate::error::{AppError, AppResult};
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::ids::{FriendRequestId, UserId};
use crate::page::{Page, PageRequest};
use crate::rate_limit;
use crate::scope::Scope;
use crate::validation::DomainError;

/// Asks another user to become friends; where they have asked already, both are friends from now on.
///
/// # Errors
/// `TOO_LONG` and `INVALID_INPUT` for the reason; `NOT_FOUND`, `SELF_TARGET`, `ALREADY_FRIENDS`, `REQUEST_PENDING`, `BLOCKED` for
/// a user whom the viewer blocks; `MEMBER_PRIVACY` for a user who shares only groups with the viewer that don't allow it;
/// `CONFLICT` for a friend too many; `RATE_LIMITED`.
pub async fn send(scope: &Scope, to: UserId, reason: Option<&str>) -> AppResult<AnsweredRequest> {
    let reason = policy::check_reason(reason)?;
    let now = scope.app.clock.now();
    let buckets = rate_limit::viewer_buckets(
        scope.requester(),
        "friend requests",
        scope.app.config.rates.friend_requests,
        TimeDelta::days(1),
    )?;
    let sent = scope
        .transaction(async |conn| {
            let viewer = lock_people(scope, conn, to, "userId").await?;
            let friends_since = relations::service::lock_pair(conn, viewer, to).await?;
            let blocks = relations::service::find_blocks(conn, viewer, to).await?;
            let own = store::requests::find_last(conn, viewer, to).await?;
            // One that was sent during a block stays unseen, and accepts nothing.
            let theirs = store::requests::find_last(conn, to, viewer).await?.filter(|theirs| !theirs.hidden);
            let waits = |request: Option<&FriendRequest>| {
                request.is_some_and(|request| request.status_at(now) == RequestStatus::Waiting)
            };
            let outcome =
                policy::request_outcome(friends_since.is_some(), blocks, waits(own.as_ref()), waits(theirs.as_ref()));
            let hidden = match (outcome.map_err(|error| error.at("userId"))?, theirs) {
                (RequestOutcome::Accepts, Some(theirs)) => {
                    return accept(scope, conn, viewer, &theirs, "userId").await.map(Ok);
                }
                (RequestOutcome::Waits { hidden }, _) => hidden,
                (RequestOutcome::Accepts, None) => return Err(AppError::internal("there is no request to accept")),
            };
            rate_limit::consume(conn, &buckets, now).await?;
            if groups::service::share_private_only(conn, viewer, to).await? {
                // The attempt is counted, which an error would undo: else one could try out who is in a group.
                return Ok(Err(FriendError::MemberPrivacy.at("userId")));
            }
            let expires_at = now + policy::REQUEST_LIFETIME;
            let new = NewRequest { from: viewer, to, reason: &reason, hidden, now, expires_at };
            let request = store::requests::insert_request(conn, &new).await?;
            if !hidden {
                scope.record(conn, &[event(EventKind::FriendRequestCreated, &request, to)]).await?;
            }
            Ok(Ok(AnsweredRequest { request, friendship: None }))
        })
        .await?;
    sent.map_err(AppError::from)
}

/// Answers the request of another user. Answered alike again, nothing changes.
///
/// # Errors
/// `TOO_LONG` and `INVALID_INPUT` for the reason; `NOT_FOUND`, `SELF_TARGET`; `CONFLICT` for one that is over or was answered
/// otherwise, and for a friend too many.
pub async fn answer(
    scope: &Scope,
    from: UserId,
    decision: RequestDecision,
    reason: Option<&str>,
) -> AppResult<AnsweredRequest> {
    let reason = policy::check_reason(reason)?;
    let now = scope.app.clock.now();
    scope
        .transaction(async |conn| {
            let viewer = lock_people(scope, conn, from, "fromUserId").await?;
            relations::service::lock_pair(conn, viewer, from).await?;
            let last = store::requests::find_last(conn, from, viewer).await?;
            let changes = policy::check_answer(last.as_ref(), decision, now).map_err(|error| error.at("fromUserId"))?;
            let request = last.ok_or_else(|| FriendError::NoSuchRequest.at("fromUserId"))?;
            if !changes {
                let answered = answered(conn, viewer, request).await?;
                // It was accepted, and the friendship is over since.
                if decision == RequestDecision::Accept && answered.friendship.is_none() {
                    return Err(FriendError::RequestOver.at("fromUserId").into());
                }
                return Ok(answered);
            }
            if decision == RequestDecision::Accept {
                return accept(scope, conn, viewer, &request, "fromUserId").await;
            }
            let reason = Some(reason.as_str()).filter(|reason| !reason.is_empty());
            let request = store::requests::end_request(conn, request.id, RequestStatus::Denied, reason, now).await?;
            scope.record(conn, &[event(EventKind::FriendRequestAnswered, &request, from)]).await?;
            Ok(AnsweredRequest { request, friendship: None })
        })
        .await
}

/// Accepts a request to the viewer that waits; the row of the two is held.
async fn accept(
    scope: &Scope,
    conn: &AsyncPgConnection,
    viewer: UserId,
    request: &FriendRequest,
    path: &str,
) -> AppResult<AnsweredRequest> {
    let (from, now) = (request.from_user_id, scope.app.clock.now());
    let friendship = make_friends(scope, conn, viewer, from, path).await?;
    // The viewer's own that waits, if there is one: sent during a block, it was never seen.
    store::requests::accept_waiting(conn, viewer, from, now).await?;
    let request = store::requests::end_request(conn, request.id, RequestStatus::Accepted, None, now).await?;
    let told = [event(EventKind::FriendRequestAnswered, &request, from), friendship_changed(viewer, from)];
    scope.record(conn, &told).await?;
    Ok(AnsweredRequest { request, friendship: Some(friendship) })
}

/// Withdraws a request of the viewer's. Withdrawn again, nothing changes.
///
/// # Errors
/// `NOT_FOUND`; `CONFLICT` for one that is over.
pub async fn cancel(scope: &Scope, id: FriendRequestId) -> AppResult<AnsweredRequest> {
    let now = scope.app.clock.now();
    scope
        .transaction(async |conn| {
            let viewer = lock_viewer_shared(scope, conn).await?;
            let missing = || FriendError::NoSuchRequest.at("id");
            let own = |request: &FriendRequest| request.from_user_id == viewer;
            let seen = store::requests::list_by_ids(conn, &[id]).await?.pop().filter(own).ok_or_else(missing)?;
            let to = seen.to_user_id;
            relations::service::lock_pair(conn, viewer, to).await?;
            // As it is now that the row of the two is held.
            let request = store::requests::list_by_ids(conn, &[id]).await?.pop().ok_or_else(missing)?;
            if policy::check_cancel(&request, now).map_err(|error| error.at("id"))? {
                let request = store::requests::end_request(conn, id, RequestStatus::Cancelled, None, now).await?;
                if !request.hidden {
                    scope.record(conn, &[event(EventKind::FriendRequestAnswered, &request, to)]).await?;
                }
                return Ok(AnsweredRequest { request, friendship: None });
            }
            Ok(AnsweredRequest { request, friendship: None })
        })
        .await
}

/// What happened to a request, for one of the two.
pub(super) fn event(kind: EventKind, request: &FriendRequest, told: UserId) -> NewEvent {
    NewEvent { subject_id: Some(request.id.0), ..NewEvent::new(kind, Topic::user(told)) }
}

/// A page of the viewer's requests, the newest first.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list(
    scope: &Scope,
    direction: RequestDirection,
    status: Option<RequestStatus>,
    page: &PageRequest<FriendRequestId>,
) -> AppResult<Page<FriendRequest>> {
    let list = RequestList { user: scope.viewer()?.user_id, direction, status, now: scope.app.clock.now() };
    let rows = store::requests::list_requests(&*scope.db.read().await?, list, page).await?;
    Ok(page.page(rows, |request| request.id))
}

/// How many requests the viewer has, up to a bound.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count(
    scope: &Scope,
    direction: RequestDirection,
    status: Option<RequestStatus>,
    bound: i64,
) -> AppResult<i64> {
    let list = RequestList { user: scope.viewer()?.user_id, direction, status, now: scope.app.clock.now() };
    Ok(store::requests::count_requests(&*scope.db.read_long().await?, list, bound).await?)
}
