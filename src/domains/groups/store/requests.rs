//! Requests to join groups.

use chrono::{DateTime, Utc};
use diesel::dsl::{delete, insert_into, update};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::group_join_requests as requests;
use crate::db::{columns, push_number_literal, statement};
use crate::domains::friends::model::RequestStatus;
use crate::domains::groups::model::{GroupJoinRequest, NewJoinRequest};
use crate::ids::{GroupId, GroupJoinRequestId, UserId};
use crate::page::PageRequest;

columns!(
    /// The columns of a request.
    static REQUEST: GroupJoinRequest
);

type JoinRequestColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<GroupJoinRequest, Pg>>;

/// The last request of a user to join a group.
pub async fn find_last(
    mut conn: &AsyncPgConnection,
    group: GroupId,
    user: UserId,
) -> QueryResult<Option<GroupJoinRequest>> {
    requests::table
        .filter(requests::group_id.eq(group).and(requests::user_id.eq(user)))
        .order(requests::id.desc())
        .select(GroupJoinRequest::as_select())
        .first(&mut conn)
        .await
        .optional()
}

/// Adds a request. One that waited and is over says so from now on.
pub async fn insert_request(mut conn: &AsyncPgConnection, new: &NewJoinRequest<'_>) -> QueryResult<GroupJoinRequest> {
    let waiting = requests::group_id.eq(new.group).and(requests::user_id.eq(new.user));
    let waiting = requests::table.filter(waiting).filter(requests::status.eq(RequestStatus::Waiting));
    update(waiting).set(requests::status.eq(RequestStatus::Expired)).execute(&mut conn).await?;
    let row = (
        requests::group_id.eq(new.group),
        requests::user_id.eq(new.user),
        requests::reason.eq(new.reason),
        requests::created_at.eq(new.now),
        requests::expires_at.eq(new.expires_at),
    );
    insert_into(requests::table).values(row).returning(GroupJoinRequest::as_returning()).get_result(&mut conn).await
}

/// Ends a request that waits.
pub async fn end_request(
    mut conn: &AsyncPgConnection,
    id: GroupJoinRequestId,
    status: RequestStatus,
    deny_reason: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<GroupJoinRequest> {
    let changes =
        (requests::status.eq(status), requests::deny_reason.eq(deny_reason), requests::replied_at.eq(Some(now)));
    let ended = update(requests::table.find(id)).set(changes);
    ended.returning(GroupJoinRequest::as_returning()).get_result(&mut conn).await
}

/// The groups that a user asked to join and where the request waits, in the order of their keys.
pub async fn list_groups_asked(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<Vec<GroupId>> {
    let waiting = requests::user_id.eq(user).and(requests::status.eq(RequestStatus::Waiting));
    requests::table.filter(waiting).select(requests::group_id).order(requests::group_id).load(&mut conn).await
}

/// Deletes the request of a user to join a group that waits.
pub async fn delete_waiting(mut conn: &AsyncPgConnection, group: GroupId, user: UserId) -> QueryResult<()> {
    let request = requests::group_id.eq(group).and(requests::user_id.eq(user));
    let waiting = requests::table.filter(request).filter(requests::status.eq(RequestStatus::Waiting));
    delete(waiting).execute(&mut conn).await.map(drop)
}

/// Accepts all requests of some users to join a group that wait; they were let in by another way.
pub async fn accept_waiting(
    mut conn: &AsyncPgConnection,
    group: GroupId,
    users: &[UserId],
    now: DateTime<Utc>,
) -> QueryResult<Vec<GroupJoinRequest>> {
    let waiting = requests::group_id.eq(group).and(requests::user_id.eq_any(users));
    let waiting = requests::table.filter(waiting).filter(requests::status.eq(RequestStatus::Waiting));
    let waiting = waiting.filter(requests::expires_at.gt(now));
    let accepted = (requests::status.eq(RequestStatus::Accepted), requests::replied_at.eq(Some(now)));
    update(waiting).set(accepted).returning(GroupJoinRequest::as_returning()).get_results(&mut conn).await
}

/// Denies all requests to join a group that wait: it was dissolved.
pub async fn deny_all(
    mut conn: &AsyncPgConnection,
    group: GroupId,
    now: DateTime<Utc>,
) -> QueryResult<Vec<GroupJoinRequest>> {
    let waiting = requests::group_id.eq(group).and(requests::status.eq(RequestStatus::Waiting));
    let waiting = requests::table.filter(waiting.and(requests::expires_at.gt(now)));
    let denied = (requests::status.eq(RequestStatus::Denied), requests::replied_at.eq(Some(now)));
    let denied = update(waiting).set(denied);
    denied.returning(GroupJoinRequest::as_returning()).get_results(&mut conn).await
}

/// Requests by key.
pub async fn list_by_ids(
    mut conn: &AsyncPgConnection,
    ids: &[GroupJoinRequestId],
) -> QueryResult<Vec<GroupJoinRequest>> {
    requests::table.filter(requests::id.eq_any(ids)).select(GroupJoinRequest::as_select()).load(&mut conn).await
}

statement! {
    /// The last request of a user to join each of some groups.
    struct LastRequests<'a> { user: UserId, groups: &'a [GroupId] } -> JoinRequestColumns
    |this|
    "select " {&*REQUEST} " from unnest(" [Array<BigInt>: &this.groups] ") wanted (id) cross join lateral (select * \
       from group_join_requests where group_id = wanted.id and user_id = " [BigInt: &this.user]
    " order by id desc limit 1) group_join_requests"
}

/// The last request of a user to join each of some groups.
pub async fn list_last(
    mut conn: &AsyncPgConnection,
    user: UserId,
    groups: &[GroupId],
) -> QueryResult<Vec<GroupJoinRequest>> {
    LastRequests { user, groups }.load(&mut conn).await
}

/// Deletes all requests of a user.
pub async fn delete_all_of(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<()> {
    delete(requests::table.filter(requests::user_id.eq(user))).execute(&mut conn).await.map(drop)
}

/// Whose requests a list has.
#[derive(Clone, Debug)]
pub enum JoinRequestScope {
    /// Those of a user.
    From(UserId),
    /// Those to join any of some groups.
    To(Vec<GroupId>),
}

/// Which requests a list has.
#[derive(Clone, Debug)]
pub struct JoinRequestFilter {
    /// Whose.
    pub scope: JoinRequestScope,
    /// With this status now.
    pub status: Option<RequestStatus>,
    /// Now.
    pub now: DateTime<Utc>,
}

impl JoinRequestFilter {
    /// The rows of each of what the scope names, as a table of the same name: each is cut at the page's size.
    fn push<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, Pg>,
        cursor: Option<&'b GroupJoinRequestId>,
        backward: bool,
        limit: i64,
    ) -> QueryResult<()> {
        match &self.scope {
            JoinRequestScope::From(user) => {
                out.push_sql(" from (select * from group_join_requests where user_id = ");
                out.push_bind_param::<BigInt, _>(user)?;
            }
            JoinRequestScope::To(groups) => {
                out.push_sql(" from unnest(");
                out.push_bind_param::<Array<BigInt>, _>(groups)?;
                out.push_sql(
                    ") wanted (id) cross join lateral (select * from group_join_requests where group_id = wanted.id",
                );
            }
        }
        match self.status {
            None => {}
            Some(RequestStatus::Waiting) => {
                out.push_sql(" and status = 'WAITING' and expires_at > ");
                out.push_bind_param::<Timestamptz, _>(&self.now)?;
            }
            // As the indexes of unanswered requests have it.
            Some(RequestStatus::Expired) => {
                out.push_sql(" and status in ('WAITING', 'EXPIRED') and expires_at <= ");
                out.push_bind_param::<Timestamptz, _>(&self.now)?;
            }
            Some(status) => {
                out.push_sql(" and status = '");
                out.push_sql(status.name());
                out.push_sql("'");
            }
        }
        if let Some(cursor) = cursor {
            out.push_sql(if backward { " and id > " } else { " and id < " });
            out.push_bind_param::<BigInt, _>(cursor)?;
        }
        out.push_sql(if backward { " order by id limit " } else { " order by id desc limit " });
        push_number_literal(out, limit);
        out.push_sql(") group_join_requests");
        Ok(())
    }
}

/// A page of requests, the newest first.
struct JoinRequestRows<'a> {
    list: &'a JoinRequestFilter,
    cursor: Option<GroupJoinRequestId>,
    backward: bool,
    limit: i64,
}

impl QueryFragment<Pg> for JoinRequestRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.list.push(&mut out, self.cursor.as_ref(), self.backward, self.limit)?;
        out.push_sql(if self.backward { " order by id limit " } else { " order by id desc limit " });
        push_number_literal(&mut out, self.limit);
        Ok(())
    }
}

statement! {
    by text
    /// A page of requests.
    struct ListRequests<'a> { rows: JoinRequestRows<'a> } -> JoinRequestColumns
    |this|
    "select " {&*REQUEST} {&this.rows}
}

statement! {
    by text
    /// How many requests a list has, up to a bound.
    struct CountRequests<'a> { rows: JoinRequestRows<'a> } -> BigInt
    |this|
    "select count(*) from (select group_join_requests.id" {&this.rows} ") found"
}

/// A page of requests, the newest first.
pub async fn list_requests(
    mut conn: &AsyncPgConnection,
    list: &JoinRequestFilter,
    page: &PageRequest<GroupJoinRequestId>,
) -> QueryResult<Vec<GroupJoinRequest>> {
    let rows = JoinRequestRows { list, cursor: page.cursor, backward: page.backward, limit: page.limit() };
    ListRequests { rows }.load(&mut conn).await
}

/// How many requests a list has, up to a bound.
pub async fn count_requests(mut conn: &AsyncPgConnection, list: &JoinRequestFilter, bound: i64) -> QueryResult<i64> {
    let rows = JoinRequestRows { list, cursor: None, backward: false, limit: bound };
    CountRequests { rows }.get_result(&mut conn).await
}
