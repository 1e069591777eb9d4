//! Groups that two users are both in.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{GROUP, GroupColumns};
use crate::db::{push_number_literal, statement};
use crate::domains::groups::model::Group;
use crate::ids::{GroupMemberId, UserId};
use crate::page::PageRequest;

/// Memberships that are counted at most to see which of two users is in fewer groups.
const COUNTED: &str = "1000";

/// The groups that two users are both in, by the memberships of the first: `own`, with `id` and `group_id`. Those of the user who
/// is in fewer groups are read, each looked up for the other by its key; a user may be in very many.
#[derive(Clone, Copy)]
struct CommonRows<'a> {
    user: UserId,
    other: UserId,
    cursor: Option<&'a GroupMemberId>,
    backward: bool,
    limit: Option<i64>,
    /// Those alone in which the first sees the second.
    seen: bool,
}

impl<'a> CommonRows<'a> {
    fn all(user: UserId, other: UserId) -> Self {
        Self { user, other, cursor: None, backward: false, limit: None, seen: false }
    }

    fn seen(user: UserId, other: UserId, limit: i64) -> Self {
        Self { limit: Some(limit), seen: true, ..Self::all(user, other) }
    }

    fn page(user: UserId, other: UserId, page: &'a PageRequest<GroupMemberId>) -> Self {
        let PageRequest { cursor, backward, .. } = page;
        Self { cursor: cursor.as_ref(), backward: *backward, ..Self::seen(user, other, page.limit()) }
    }

    /// How many groups the two are in, as a `with`: of the first up to a bound, of the other up to one more than the first.
    fn push_counts<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("with counted as materialized (select n as own, (select count(*) from (select from group_members where user_id = ");
        out.push_bind_param::<BigInt, _>(&self.other)?;
        out.push_sql(" limit n + 1) theirs) as theirs from (select count(*) as n from (select from group_members where user_id = ");
        out.push_bind_param::<BigInt, _>(&self.user)?;
        for part in [" limit ", COUNTED, ") own) own) "] {
            out.push_sql(part);
        }
        Ok(())
    }

    /// Leaves out the groups in which the first user does not see who the second is. Where members are hidden, the first does if
    /// either runs the group, oneself, and a friend who is not blocked.
    fn push_seen<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !self.seen {
            return Ok(());
        }
        out.push_sql(
            " cross join lateral (select from groups where id = own.group_id and (not disable_view_member \
             or own.role <> 'GENERAL' or theirs.role <> 'GENERAL' \
             or (select true from friendships where not hidden and owner_id = ",
        );
        out.push_bind_param::<BigInt, _>(&self.user)?;
        out.push_sql(" and friend_id = ");
        out.push_bind_param::<BigInt, _>(&self.other)?;
        out.push_sql(") or ");
        out.push_bind_param::<BigInt, _>(&self.user)?;
        out.push_sql(" = ");
        out.push_bind_param::<BigInt, _>(&self.other)?;
        out.push_sql(") offset 0) seen");
        Ok(())
    }

    /// The end of each half: where the page starts, and how long it is.
    fn push_cut<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let Some(cursor) = self.cursor {
            out.push_sql(if self.backward { " and own.id > " } else { " and own.id < " });
            out.push_bind_param::<BigInt, _>(cursor)?;
        }
        self.push_order(out);
        Ok(())
    }

    fn push_order(&self, out: &mut AstPass<'_, '_, Pg>) {
        let Some(limit) = self.limit else { return };
        out.push_sql(if self.backward { " order by own.id limit " } else { " order by own.id desc limit " });
        push_number_literal(out, limit);
    }
}

impl QueryFragment<Pg> for CommonRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            " from ((select own.id, own.group_id from group_members theirs cross join lateral (select id, group_id, role from \
             group_members where group_id = theirs.group_id and user_id = ",
        );
        out.push_bind_param::<BigInt, _>(&self.user)?;
        out.push_sql(" offset 0) own");
        self.push_seen(&mut out)?;
        out.push_sql(" where (select theirs < own from counted) and theirs.user_id = ");
        out.push_bind_param::<BigInt, _>(&self.other)?;
        self.push_cut(&mut out)?;
        out.push_sql(
            ") union all (select own.id, own.group_id from group_members own cross join lateral (select role from group_members \
             where group_id = own.group_id and user_id = ",
        );
        out.push_bind_param::<BigInt, _>(&self.other)?;
        out.push_sql(" offset 0) theirs");
        self.push_seen(&mut out)?;
        out.push_sql(" where (select theirs >= own from counted) and own.user_id = ");
        out.push_bind_param::<BigInt, _>(&self.user)?;
        self.push_cut(&mut out)?;
        out.push_sql(")) own");
        Ok(())
    }
}

/// The counts that [`CommonRows`] chooses by.
struct CommonCounts<'a>(CommonRows<'a>);

impl QueryFragment<Pg> for CommonCounts<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.push_counts(&mut out)
    }
}

/// The order of a page.
struct CommonOrder<'a>(CommonRows<'a>);

impl QueryFragment<Pg> for CommonOrder<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.push_order(&mut out);
        Ok(())
    }
}

/// Joins the groups, by their key alone.
const GROUPS: &str = " cross join lateral (select * from groups where id = own.group_id offset 0) groups";

struct CommonGroups<'a>(CommonRows<'a>);

impl QueryFragment<Pg> for CommonGroups<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(GROUPS);
        Ok(())
    }
}

statement! {
    by text
    /// A page of the groups in which a user sees another one.
    struct ListCommon<'a> { counts: CommonCounts<'a>, rows: CommonGroups<'a>, order: CommonOrder<'a> } -> (BigInt, GroupColumns)
    |this|
    {&this.counts} "select own.id, " {&*GROUP} {&this.rows} {&this.order}
}

statement! {
    by text
    /// In how many groups a user sees another one, up to a bound.
    struct CountCommon<'a> { counts: CommonCounts<'a>, rows: CommonRows<'a>, bound: i64 } -> BigInt
    |this|
    {&this.counts} "select least(count(*), " [BigInt: &this.bound] ")" {&this.rows}
}

statement! {
    /// Whether two users are in a group together, and in none whose members may become friends by it.
    struct SharePrivateOnly<'a> { counts: CommonCounts<'a>, rows: CommonGroups<'a> } -> Bool
    |this|
    {&this.counts} "select coalesce(bool_and(groups.disable_add_member), false)" {&this.rows}
}

/// A page of the groups in which a user sees another one, those that the first one joined last first.
pub async fn list_common(
    mut conn: &AsyncPgConnection,
    user: UserId,
    other: UserId,
    page: &PageRequest<GroupMemberId>,
) -> QueryResult<Vec<(GroupMemberId, Group)>> {
    let rows = CommonRows::page(user, other, page);
    ListCommon { counts: CommonCounts(rows), rows: CommonGroups(rows), order: CommonOrder(rows) }.load(&mut conn).await
}

/// In how many groups a user sees another one, up to a bound.
pub async fn count_common(mut conn: &AsyncPgConnection, user: UserId, other: UserId, bound: i64) -> QueryResult<i64> {
    let rows = CommonRows::seen(user, other, bound);
    CountCommon { counts: CommonCounts(rows), rows, bound }.get_result(&mut conn).await
}

/// Whether two users are in a group together, and only in such whose members send each other no requests.
pub async fn share_private_only(mut conn: &AsyncPgConnection, user: UserId, other: UserId) -> QueryResult<bool> {
    let rows = CommonRows::all(user, other);
    SharePrivateOnly { counts: CommonCounts(rows), rows: CommonGroups(rows) }.get_result(&mut conn).await
}
