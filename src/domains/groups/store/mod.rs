//! All SQL of groups: groups here, those that are [`shared`] by two users, their [`members`], [`positions`] and [`requests`]
//! to join apart.

pub mod members;
pub mod positions;
pub mod requests;
pub mod shared;

use chrono::{DateTime, Utc};
use diesel::dsl::{insert_into, update};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Integer, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Group, GroupChanges, NewGroup};
use crate::db::keyset::{ColumnType, Keyset, KeysetColumn};
use crate::db::schema::{group_members, groups};
use crate::db::{columns, statement};
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

statement! {
    /// Ends a group's row, and deletes where it is.
    struct DissolveGroup { id: GroupId, now: DateTime<Utc> } -> Integer
    |this|
    "with position as (delete from group_positions where group_id = " [BigInt: &this.id]
    ") update groups set member_count = 0, avatar_id = null, dissolved_at = " [Timestamptz: &this.now] " where id = " [BigInt: &this.id]
}

/// Notes that a group that is held is dissolved, and has neither members nor a place nor a picture.
pub async fn dissolve_group(mut conn: &AsyncPgConnection, id: GroupId, now: DateTime<Utc>) -> QueryResult<()> {
    DissolveGroup { id, now }.execute(&mut conn).await.map(drop)
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

/// A page of groups.
pub async fn list_groups(
    mut conn: &AsyncPgConnection,
    conditions: &GroupConditions,
    terms: Option<&Terms>,
    cut: Keyset,
) -> QueryResult<Vec<Group>> {
    ListedGroups { rows: ListRows::matching(&conditions.predicate(), cut, FOUND, terms) }.load(&mut conn).await
}

/// How many groups there are, up to a bound.
pub async fn count_groups(
    mut conn: &AsyncPgConnection,
    conditions: &GroupConditions,
    terms: Option<&Terms>,
    bound: i64,
) -> QueryResult<i64> {
    let cut = Keyset::count(COLUMN, bound);
    CountGroups { rows: ListRows::matching(&conditions.predicate(), cut, FOUND, terms) }.get_result(&mut conn).await
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
