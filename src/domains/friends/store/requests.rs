//! Requests to become friends.

use chrono::{DateTime, Utc};
use diesel::dsl::{delete, insert_into, not, sql, update};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::friend_requests as requests;
use crate::domains::friends::model::{FriendRequest, NewRequest, RequestDirection, RequestStatus};
use crate::ids::{FriendRequestId, UserId};
use crate::page::PageRequest;

/// The last request from one person to another.
pub async fn find_last(mut conn: &AsyncPgConnection, from: UserId, to: UserId) -> QueryResult<Option<FriendRequest>> {
    requests::table
        .filter(requests::from_user_id.eq(from).and(requests::to_user_id.eq(to)))
        .order(requests::id.desc())
        .select(FriendRequest::as_select())
        .first(&mut conn)
        .await
        .optional()
}

/// The requests with these ids, in no order.
pub async fn list_by_ids(mut conn: &AsyncPgConnection, ids: &[FriendRequestId]) -> QueryResult<Vec<FriendRequest>> {
    requests::table.filter(requests::id.eq_any(ids)).select(FriendRequest::as_select()).load(&mut conn).await
}

/// The requests between a person and others that wait.
pub async fn list_waiting_among(
    mut conn: &AsyncPgConnection,
    user: UserId,
    others: &[UserId],
    now: DateTime<Utc>,
) -> QueryResult<Vec<FriendRequest>> {
    let outgoing = requests::from_user_id.eq(user).and(requests::to_user_id.eq_any(others));
    let incoming = requests::to_user_id.eq(user).and(requests::from_user_id.eq_any(others));
    requests::table
        .filter(outgoing.or(incoming.and(not(requests::hidden))))
        .filter(requests::status.eq(RequestStatus::Waiting).and(requests::expires_at.gt(now)))
        .select(FriendRequest::as_select())
        .load(&mut conn)
        .await
}

/// Adds a request; the sender's last one to this person does not wait any more, unless it has expired.
pub async fn insert_request(mut conn: &AsyncPgConnection, new: &NewRequest<'_>) -> QueryResult<FriendRequest> {
    let expired = requests::table
        .filter(requests::from_user_id.eq(new.from).and(requests::to_user_id.eq(new.to)))
        .filter(requests::status.eq(RequestStatus::Waiting).and(requests::expires_at.le(new.now)));
    update(expired).set(requests::status.eq(RequestStatus::Expired)).execute(&mut conn).await?;
    let row = (
        requests::from_user_id.eq(new.from),
        requests::to_user_id.eq(new.to),
        requests::reason.eq(new.reason),
        requests::hidden.eq(new.hidden),
        requests::created_at.eq(new.now),
        requests::expires_at.eq(new.expires_at),
    );
    insert_into(requests::table).values(row).returning(FriendRequest::as_returning()).get_result(&mut conn).await
}

/// Ends a request that waits; the recipient's words go with a denial. Who accepts it has seen it.
pub async fn end_request(
    mut conn: &AsyncPgConnection,
    id: FriendRequestId,
    status: RequestStatus,
    deny_reason: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<FriendRequest> {
    let changes =
        (requests::status.eq(status), requests::deny_reason.eq(deny_reason), requests::replied_at.eq(Some(now)));
    update(requests::table.find(id)).set(changes).returning(FriendRequest::as_returning()).get_result(&mut conn).await
}

/// Accepts what waits from one person to another.
pub async fn accept_waiting(
    mut conn: &AsyncPgConnection,
    from: UserId,
    to: UserId,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let waiting = requests::from_user_id.eq(from).and(requests::to_user_id.eq(to));
    let waiting = requests::table.filter(waiting).filter(requests::status.eq(RequestStatus::Waiting));
    let accepted = (requests::status.eq(RequestStatus::Accepted), requests::replied_at.eq(Some(now)));
    update(waiting).set(accepted).execute(&mut conn).await.map(drop)
}

/// Hides what waits from one person to another from the other one.
pub async fn hide_waiting(mut conn: &AsyncPgConnection, from: UserId, to: UserId) -> QueryResult<()> {
    let waiting = requests::from_user_id.eq(from).and(requests::to_user_id.eq(to));
    let waiting = requests::table.filter(waiting).filter(requests::status.eq(RequestStatus::Waiting));
    update(waiting).set(requests::hidden.eq(true)).execute(&mut conn).await.map(drop)
}

/// A page of a person's requests, the newest first.
pub async fn list_requests(
    mut conn: &AsyncPgConnection,
    list: RequestList,
    page: &PageRequest<FriendRequestId>,
) -> QueryResult<Vec<FriendRequest>> {
    let found = list.query().limit(page.limit());
    let found = match (page.cursor, page.backward) {
        (Some(cursor), true) => found.filter(requests::id.gt(cursor)),
        (Some(cursor), false) => found.filter(requests::id.lt(cursor)),
        (None, _) => found,
    };
    let found = if page.backward { found.order(requests::id.asc()) } else { found.order(requests::id.desc()) };
    found.select(FriendRequest::as_select()).load(&mut conn).await
}

/// How many requests a list has, up to a bound.
pub async fn count_requests(mut conn: &AsyncPgConnection, list: RequestList, bound: i64) -> QueryResult<i64> {
    let ids: Vec<FriendRequestId> = list.query().select(requests::id).limit(bound).load(&mut conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(bound))
}

/// Which requests of a person.
#[derive(Clone, Copy, Debug)]
pub struct RequestList {
    /// The person.
    pub user: UserId,
    /// Those that they sent, or those that they see of what was sent to them.
    pub direction: RequestDirection,
    /// With this status now.
    pub status: Option<RequestStatus>,
    /// Now.
    pub now: DateTime<Utc>,
}

impl RequestList {
    fn query<'a>(self) -> requests::BoxedQuery<'a, diesel::pg::Pg> {
        let all = requests::table.into_boxed();
        let own = match self.direction {
            RequestDirection::Incoming => all.filter(requests::to_user_id.eq(self.user)).filter(not(requests::hidden)),
            RequestDirection::Outgoing => all.filter(requests::from_user_id.eq(self.user)),
        };
        let waiting = requests::status.eq(RequestStatus::Waiting);
        match self.status {
            None => own,
            Some(RequestStatus::Waiting) => own.filter(waiting.and(requests::expires_at.gt(self.now))),
            Some(RequestStatus::Expired) => own
                // As the indexes of unanswered requests have it.
                .filter(sql::<Bool>("friend_requests.status in ('WAITING', 'EXPIRED')"))
                .filter(requests::expires_at.le(self.now)),
            Some(status) => own.filter(requests::status.eq(status)),
        }
    }
}

/// Deletes all requests from a person and to them.
pub async fn delete_all_of(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<()> {
    let own = requests::from_user_id.eq(user).or(requests::to_user_id.eq(user));
    delete(requests::table.filter(own)).execute(&mut conn).await.map(drop)
}
