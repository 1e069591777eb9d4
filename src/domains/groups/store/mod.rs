//! All SQL of groups: groups here, their [`members`] and [`requests`] to join apart.

pub mod members;
pub mod requests;

use chrono::{DateTime, Utc};
use diesel::dsl::{insert_into, update};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Group, GroupChanges, NewGroup};
use crate::db::keyset::{ColumnType, Keyset, KeysetColumn};
use crate::db::schema::{group_members, groups};
use crate::db::{columns, push_number_literal, statement};
use crate::domains::search::list_query::{ListPredicate, ListRows, SearchedTable};
use crate::domains::search::model::SearchKind;
use crate::domains::search::terms::Terms;
use crate::ids::{GroupId, GroupMemberId, MerchantId, UserId};
use crate::page::PageRequest;

columns!(
    /// The columns of a group.
    static GROUP: Group
);

type GroupColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Group, Pg>>;

/// Groups come by the time they were made.
pub const COLUMN: KeysetColumn =
    KeysetColumn { name: "groups.created_at", id: "groups.id", column_type: ColumnType::Instants };

/// Joins groups to what search found.
const FOUND: SearchedTable = SearchedTable {
    kind: SearchKind::Group,
    join: " cross join lateral (select groups.* from groups where groups.id = search_entries.subject_id offset 0) groups",
};

/// Groups by id, without those that were dissolved.
pub async fn list_by_ids(mut conn: &AsyncPgConnection, ids: &[GroupId]) -> QueryResult<Vec<Group>> {
    let found = groups::table.filter(groups::id.eq_any(ids)).filter(groups::dissolved_at.is_null());
    found.select(Group::as_select()).load(&mut conn).await
}

/// Locks a group that was not dissolved.
pub async fn lock_group(mut conn: &AsyncPgConnection, id: GroupId) -> QueryResult<Option<Group>> {
    let group = groups::table.find(id).filter(groups::dissolved_at.is_null());
    group.select(Group::as_select()).for_no_key_update().get_result(&mut conn).await.optional()
}

/// Adds a group.
pub async fn insert_group(mut conn: &AsyncPgConnection, group: &NewGroup) -> QueryResult<Group> {
    insert_into(groups::table).values(group).returning(Group::as_returning()).get_result(&mut conn).await
}

/// Changes a group that is held.
pub async fn update_group(mut conn: &AsyncPgConnection, id: GroupId, changes: &GroupChanges) -> QueryResult<Group> {
    update(groups::table.find(id)).set(changes).returning(Group::as_returning()).get_result(&mut conn).await
}

/// Counts members of a group that is held more or less; `groups_member_count_check` fails for one too many.
pub async fn change_member_count(mut conn: &AsyncPgConnection, id: GroupId, by: i32) -> QueryResult<Group> {
    let counted = update(groups::table.find(id)).set(groups::member_count.eq(groups::member_count + by));
    counted.returning(Group::as_returning()).get_result(&mut conn).await
}

/// Gives a group that is held to another member.
pub async fn update_owner(
    mut conn: &AsyncPgConnection,
    id: GroupId,
    owner: UserId,
    now: DateTime<Utc>,
) -> QueryResult<Group> {
    let changes = (groups::owner_id.eq(owner), groups::updated_at.eq(now));
    update(groups::table.find(id)).set(changes).returning(Group::as_returning()).get_result(&mut conn).await
}

/// Notes that a group that is held is dissolved, and has no members.
pub async fn dissolve_group(mut conn: &AsyncPgConnection, id: GroupId, now: DateTime<Utc>) -> QueryResult<()> {
    let changes = (groups::dissolved_at.eq(now), groups::member_count.eq(0));
    update(groups::table.find(id)).set(changes).execute(&mut conn).await.map(drop)
}

/// What has to hold for a group to be listed.
pub struct GroupConditions {
    /// The merchant that it is of.
    pub merchant: Option<MerchantId>,
    /// Whether this user is in it.
    pub joined: Option<(UserId, bool)>,
}

impl GroupConditions {
    fn predicate(&self) -> ListPredicate<'_> {
        ListPredicate { table: "groups", states: None, more: self }
    }
}

impl QueryFragment<Pg> for GroupConditions {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("groups.dissolved_at is null");
        if let Some(merchant) = &self.merchant {
            out.push_sql(" and groups.merchant_id = ");
            out.push_bind_param::<BigInt, _>(merchant)?;
        }
        if let Some((user, joined)) = &self.joined {
            // The user's are few: read once, whatever the list holds beside them.
            out.push_sql(if *joined { " and groups.id = any(" } else { " and groups.id <> all(" });
            out.push_sql("array(select group_id from group_members where user_id = ");
            out.push_bind_param::<BigInt, _>(user)?;
            out.push_sql("))");
        }
        Ok(())
    }
}

statement! {
    by text
    /// A page of groups.
    struct ListedGroups<'a> { rows: ListRows<'a> } -> GroupColumns
    |this|
    "select " {&*GROUP} " from " {&this.rows} {&this.rows.cut}
}

statement! {
    by text
    /// How many groups a list has, up to a bound.
    struct CountGroups<'a> { rows: ListRows<'a> } -> BigInt
    |this|
    "select count(*) from " {&this.rows}
}

fn rows<'a>(wanted: &'a ListPredicate<'a>, terms: Option<&'a Terms>, cut: Keyset) -> ListRows<'a> {
    match terms {
        Some(terms) => ListRows::found(wanted, cut, FOUND, terms),
        None => ListRows::new(wanted, cut),
    }
}

/// A page of groups.
pub async fn list_groups(
    mut conn: &AsyncPgConnection,
    conditions: &GroupConditions,
    terms: Option<&Terms>,
    cut: Keyset,
) -> QueryResult<Vec<Group>> {
    ListedGroups { rows: rows(&conditions.predicate(), terms, cut) }.load(&mut conn).await
}

/// How many groups there are, up to a bound.
pub async fn count_groups(
    mut conn: &AsyncPgConnection,
    conditions: &GroupConditions,
    terms: Option<&Terms>,
    bound: i64,
) -> QueryResult<i64> {
    let cut = Keyset::count(COLUMN, bound);
    CountGroups { rows: rows(&conditions.predicate(), terms, cut) }.get_result(&mut conn).await
}

/// A page of the groups of a user, the last joined first, each with the membership's key.
pub async fn list_of_user(
    mut conn: &AsyncPgConnection,
    user: UserId,
    page: &PageRequest<GroupMemberId>,
) -> QueryResult<Vec<(GroupMemberId, Group)>> {
    let found = group_members::table.inner_join(groups::table).filter(group_members::user_id.eq(user));
    let found = found.select((group_members::id, Group::as_select())).limit(page.limit()).into_boxed();
    let found = match (page.cursor, page.backward) {
        (Some(cursor), true) => found.filter(group_members::id.gt(cursor)),
        (Some(cursor), false) => found.filter(group_members::id.lt(cursor)),
        (None, _) => found,
    };
    let found =
        if page.backward { found.order(group_members::id.asc()) } else { found.order(group_members::id.desc()) };
    found.load(&mut conn).await
}

/// How many groups a user is in, up to a bound.
pub async fn count_of_user(mut conn: &AsyncPgConnection, user: UserId, bound: i64) -> QueryResult<i64> {
    let found = group_members::table.filter(group_members::user_id.eq(user)).select(group_members::id).limit(bound);
    let ids: Vec<GroupMemberId> = found.load(&mut conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(bound))
}

/// Picks the groups that two users are both in: those of the first, each looked up for the second by its key.
struct CommonRows {
    user: UserId,
    other: UserId,
    /// Those alone in which the first sees the second.
    seen: bool,
}

impl QueryFragment<Pg> for CommonRows {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" from group_members own cross join lateral (select role from group_members where group_id = own.group_id and user_id = ");
        out.push_bind_param::<BigInt, _>(&self.other)?;
        out.push_sql(" offset 0) theirs cross join lateral (select * from groups where id = own.group_id");
        if self.seen {
            self.push_seen(&mut out)?;
        }
        out.push_sql(" offset 0) groups where own.user_id = ");
        out.push_bind_param::<BigInt, _>(&self.user)
    }
}

impl CommonRows {
    /// Condition on a row of `groups`: that the first user sees who the second is. In a group with hidden members that is so where
    /// either runs it, of oneself, and of a friend who is not blocked.
    fn push_seen<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            " and (not disable_view_member or own.role <> 'GENERAL' or theirs.role <> 'GENERAL' \
             or (select true from friendships where not hidden and owner_id = ",
        );
        out.push_bind_param::<BigInt, _>(&self.user)?;
        out.push_sql(" and friend_id = ");
        out.push_bind_param::<BigInt, _>(&self.other)?;
        out.push_sql(") or ");
        out.push_bind_param::<BigInt, _>(&self.user)?;
        out.push_sql(" = ");
        out.push_bind_param::<BigInt, _>(&self.other)?;
        out.push_sql(")");
        Ok(())
    }
}

/// Where a page of common groups starts.
struct CommonPage<'a>(&'a PageRequest<GroupMemberId>);

impl QueryFragment<Pg> for CommonPage<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let PageRequest { cursor, backward, .. } = self.0;
        if let Some(cursor) = cursor {
            out.push_sql(if *backward { " and own.id > " } else { " and own.id < " });
            out.push_bind_param::<BigInt, _>(cursor)?;
        }
        out.push_sql(if *backward { " order by own.id limit " } else { " order by own.id desc limit " });
        push_number_literal(&mut out, self.0.limit());
        Ok(())
    }
}

statement! {
    by text
    /// A page of the groups that two users are both in.
    struct ListCommon<'a> { rows: CommonRows, page: CommonPage<'a> } -> (BigInt, GroupColumns)
    |this|
    "select own.id, " {&*GROUP} {&this.rows} {&this.page}
}

statement! {
    /// How many groups two users are both in, up to a bound.
    struct CountCommon { rows: CommonRows, bound: i64 } -> BigInt
    |this|
    "select count(*) from (select" {&this.rows} " limit " [BigInt: &this.bound] ") found"
}

/// A page of the groups in which a user sees another one, those that the first one joined last first.
pub async fn list_common(
    mut conn: &AsyncPgConnection,
    user: UserId,
    other: UserId,
    page: &PageRequest<GroupMemberId>,
) -> QueryResult<Vec<(GroupMemberId, Group)>> {
    ListCommon { rows: CommonRows { user, other, seen: true }, page: CommonPage(page) }.load(&mut conn).await
}

/// In how many groups a user sees another one, up to a bound.
pub async fn count_common(mut conn: &AsyncPgConnection, user: UserId, other: UserId, bound: i64) -> QueryResult<i64> {
    CountCommon { rows: CommonRows { user, other, seen: true }, bound }.get_result(&mut conn).await
}

statement! {
    /// Whether two users are in a group together, and in none whose members may become friends by it.
    struct SharePrivateOnly { rows: CommonRows } -> Bool
    |this|
    "select coalesce(bool_and(groups.disable_add_member), false)" {&this.rows}
}

/// Whether two users are in a group together, and only in such whose members send each other no requests.
pub async fn share_private_only(mut conn: &AsyncPgConnection, user: UserId, other: UserId) -> QueryResult<bool> {
    SharePrivateOnly { rows: CommonRows { user, other, seen: false } }.get_result(&mut conn).await
}
