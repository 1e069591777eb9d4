//! Members of groups.

use chrono::{DateTime, Utc};
use diesel::dsl::{delete, update};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::group_members;
use crate::db::schema::sql_types::GroupRole as GroupRoleType;
use crate::db::{columns, push_number_literal, statement};
use crate::domains::groups::model::{GroupMember, GroupRole, GroupStaff};
use crate::ids::{GroupId, GroupMemberId, UserId};
use crate::page::PageRequest;

columns!(
    /// The columns of a member.
    static MEMBER: GroupMember
);

type GroupMemberColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<GroupMember, Pg>>;

statement! {
    /// Adds members with one role, those left out who are in the group.
    struct InsertGroupMembers<'a> { group: GroupId, users: &'a [UserId], role: GroupRole, now: DateTime<Utc> } -> GroupMemberColumns
    |this|
    "insert into group_members (group_id, user_id, role, joined_at) select " [BigInt: &this.group] ", id, "
    [GroupRoleType: &this.role] ", " [Timestamptz: &this.now] " from unnest(" [Array<BigInt>: &this.users]
    ") with ordinality as added (id, place) order by place on conflict (group_id, user_id) do nothing returning " {&*MEMBER}
}

/// Adds members with one role; those who were not in the group.
pub async fn insert_members(
    mut conn: &AsyncPgConnection,
    group: GroupId,
    users: &[UserId],
    role: GroupRole,
    now: DateTime<Utc>,
) -> QueryResult<Vec<GroupMember>> {
    InsertGroupMembers { group, users, role, now }.load(&mut conn).await
}

/// A member.
pub async fn find_member(
    mut conn: &AsyncPgConnection,
    group: GroupId,
    user: UserId,
) -> QueryResult<Option<GroupMember>> {
    let member = group_members::table.filter(group_members::group_id.eq(group).and(group_members::user_id.eq(user)));
    member.select(GroupMember::as_select()).get_result(&mut conn).await.optional()
}

statement! {
    /// Members by group and user, each looked up by its key.
    struct GroupMembersAt<'a> { groups: &'a [GroupId], users: &'a [UserId] } -> GroupMemberColumns
    |this|
    "select " {&*MEMBER} " from unnest(" [Array<BigInt>: &this.groups] ", " [Array<BigInt>: &this.users]
    ") as wanted (group_id, user_id) cross join lateral (select * from group_members \
       where group_members.group_id = wanted.group_id and group_members.user_id = wanted.user_id offset 0) group_members"
}

/// Members by group and user.
pub async fn list_at(mut conn: &AsyncPgConnection, pairs: &[(GroupId, UserId)]) -> QueryResult<Vec<GroupMember>> {
    let (groups, users): (Vec<GroupId>, Vec<UserId>) = pairs.iter().copied().unzip();
    GroupMembersAt { groups: &groups, users: &users }.load(&mut conn).await
}

/// Members by key.
pub async fn list_by_ids(mut conn: &AsyncPgConnection, ids: &[GroupMemberId]) -> QueryResult<Vec<GroupMember>> {
    group_members::table.filter(group_members::id.eq_any(ids)).select(GroupMember::as_select()).load(&mut conn).await
}

/// All members of a group, whose role is one of some.
pub async fn list_with_roles(
    mut conn: &AsyncPgConnection,
    group: GroupId,
    roles: &[GroupRole],
) -> QueryResult<Vec<GroupMember>> {
    let members = group_members::table.filter(group_members::group_id.eq(group));
    let members = members.filter(group_members::role.eq_any(roles)).order(group_members::id);
    members.select(GroupMember::as_select()).load(&mut conn).await
}

statement! {
    /// Who runs some groups, dissolved ones included: the group, whether its members are hidden, the owner and the managers.
    struct StaffOf<'a> { groups: &'a [GroupId] } -> (BigInt, Bool, Array<BigInt>)
    |this|
    "select groups.id, disable_view_member, array_append(array(select user_id from group_members \
       where group_id = groups.id and role = 'MANAGER'), owner_id) from groups where groups.id = any("
    [Array<BigInt>: &this.groups] ")"
}

/// Who runs some groups, dissolved ones included.
pub async fn list_staff(mut conn: &AsyncPgConnection, groups: &[GroupId]) -> QueryResult<Vec<(GroupId, GroupStaff)>> {
    let rows: Vec<(GroupId, bool, Vec<UserId>)> = StaffOf { groups }.load(&mut conn).await?;
    let staff = |(id, are_members_hidden, users)| (id, GroupStaff { are_members_hidden, users });
    Ok(rows.into_iter().map(staff).collect())
}

/// Deletes members of a group; their users.
pub async fn delete_members(
    mut conn: &AsyncPgConnection,
    group: GroupId,
    users: &[UserId],
) -> QueryResult<Vec<UserId>> {
    let members = group_members::group_id.eq(group).and(group_members::user_id.eq_any(users));
    delete(group_members::table.filter(members)).returning(group_members::user_id).get_results(&mut conn).await
}

/// Deletes all members of a group; their users.
pub async fn delete_all(mut conn: &AsyncPgConnection, group: GroupId) -> QueryResult<Vec<UserId>> {
    let members = delete(group_members::table.filter(group_members::group_id.eq(group)));
    members.returning(group_members::user_id).get_results(&mut conn).await
}

/// Gives a member another role.
pub async fn update_role(mut conn: &AsyncPgConnection, id: GroupMemberId, role: GroupRole) -> QueryResult<GroupMember> {
    let changed = update(group_members::table.find(id)).set(group_members::role.eq(role));
    changed.returning(GroupMember::as_returning()).get_result(&mut conn).await
}

/// Gives a member another name card.
pub async fn update_name_card(
    mut conn: &AsyncPgConnection,
    id: GroupMemberId,
    name_card: &str,
) -> QueryResult<GroupMember> {
    let changed = update(group_members::table.find(id)).set(group_members::name_card.eq(name_card));
    changed.returning(GroupMember::as_returning()).get_result(&mut conn).await
}

/// The groups that a user is in, in the order of their keys.
pub async fn list_groups_of(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<Vec<GroupId>> {
    let own = group_members::table.filter(group_members::user_id.eq(user)).order(group_members::group_id);
    own.select(group_members::group_id).load(&mut conn).await
}

/// The groups that a user runs.
pub async fn list_run_by(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<Vec<GroupId>> {
    let own = group_members::table.filter(group_members::user_id.eq(user));
    let own = own.filter(group_members::role.eq_any([GroupRole::Owner, GroupRole::Manager]));
    own.select(group_members::group_id).load(&mut conn).await
}

/// Which members of a group a list has.
#[derive(Clone, Copy, Debug)]
pub struct MemberList<'a> {
    /// The group.
    pub group: GroupId,
    /// Those with this role.
    pub role: Option<GroupRole>,
    /// Those whose name card or nickname has this in it, in lower case.
    pub query: Option<&'a str>,
}

impl QueryFragment<Pg> for MemberList<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" from group_members");
        if self.query.is_some() {
            out.push_sql(" join users on users.id = group_members.user_id");
        }
        out.push_sql(" where group_members.group_id = ");
        out.push_bind_param::<BigInt, _>(&self.group)?;
        if let Some(role) = &self.role {
            out.push_sql(" and group_members.role = ");
            out.push_bind_param::<GroupRoleType, _>(role)?;
        }
        if let Some(query) = &self.query {
            out.push_sql(" and (position(");
            out.push_bind_param::<Text, _>(query)?;
            out.push_sql(" in lower(group_members.name_card)) > 0 or position(");
            out.push_bind_param::<Text, _>(query)?;
            out.push_sql(" in lower(users.nickname)) > 0)");
        }
        Ok(())
    }
}

/// Where a page of members starts: they come as they joined.
struct MemberPage<'a>(&'a PageRequest<GroupMemberId>);

impl QueryFragment<Pg> for MemberPage<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let PageRequest { cursor, backward, .. } = self.0;
        if let Some(cursor) = cursor {
            out.push_sql(if *backward { " and group_members.id < " } else { " and group_members.id > " });
            out.push_bind_param::<BigInt, _>(cursor)?;
        }
        out.push_sql(if *backward {
            " order by group_members.id desc limit "
        } else {
            " order by group_members.id limit "
        });
        push_number_literal(&mut out, self.0.limit());
        Ok(())
    }
}

statement! {
    by text
    /// A page of members.
    struct ListMembers<'a> { list: MemberList<'a>, page: MemberPage<'a> } -> GroupMemberColumns
    |this|
    "select " {&*MEMBER} {&this.list} {&this.page}
}

statement! {
    by text
    /// How many members a list has.
    struct CountMembers<'a> { list: MemberList<'a> } -> BigInt
    |this|
    "select count(*)" {&this.list}
}

/// A page of members, as they joined.
pub async fn list_members(
    mut conn: &AsyncPgConnection,
    list: MemberList<'_>,
    page: &PageRequest<GroupMemberId>,
) -> QueryResult<Vec<GroupMember>> {
    ListMembers { list, page: MemberPage(page) }.load(&mut conn).await
}

/// How many members a list has: no more than a group can have.
pub async fn count_members(mut conn: &AsyncPgConnection, list: MemberList<'_>) -> QueryResult<i64> {
    CountMembers { list }.get_result(&mut conn).await
}
