//! The groups in which people sort their friends. What changes them holds the owner's account alone.

use chrono::{DateTime, Utc};
use diesel::dsl::{delete, insert_into, update};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::{friend_group_members, friend_groups};
use crate::db::statement;
use crate::domains::friends::model::FriendGroup;
use crate::ids::{FriendGroupId, FriendshipId, UserId};

/// The groups of a person, the oldest first.
pub async fn list_groups(mut conn: &AsyncPgConnection, owner: UserId) -> QueryResult<Vec<FriendGroup>> {
    let own = friend_groups::table.filter(friend_groups::owner_id.eq(owner)).order(friend_groups::id);
    own.select(FriendGroup::as_select()).load(&mut conn).await
}

/// Groups of a person by id, in no order.
pub async fn list_by_ids(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    ids: &[FriendGroupId],
) -> QueryResult<Vec<FriendGroup>> {
    let own = friend_groups::table.filter(friend_groups::id.eq_any(ids).and(friend_groups::owner_id.eq(owner)));
    own.select(FriendGroup::as_select()).load(&mut conn).await
}

/// The groups that friendships are in, each group with the friendship.
pub async fn list_of_friendships(
    mut conn: &AsyncPgConnection,
    ids: &[FriendshipId],
) -> QueryResult<Vec<(FriendshipId, FriendGroup)>> {
    friend_group_members::table
        .inner_join(friend_groups::table)
        .filter(friend_group_members::friendship_id.eq_any(ids))
        .order((friend_group_members::friendship_id, friend_groups::id))
        .select((friend_group_members::friendship_id, FriendGroup::as_select()))
        .load(&mut conn)
        .await
}

/// How many groups a person has.
pub async fn count_groups(mut conn: &AsyncPgConnection, owner: UserId) -> QueryResult<i64> {
    friend_groups::table.filter(friend_groups::owner_id.eq(owner)).count().get_result(&mut conn).await
}

/// Adds a group; none where the person has one of this name.
pub async fn insert_group(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    name: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<FriendGroup>> {
    let group = (friend_groups::owner_id.eq(owner), friend_groups::name.eq(name), friend_groups::created_at.eq(now));
    insert_into(friend_groups::table)
        .values(group)
        .on_conflict_do_nothing()
        .returning(FriendGroup::as_returning())
        .get_result(&mut conn)
        .await
        .optional()
}

/// Whether a person has another group of this name.
pub async fn is_name_taken(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    name: &str,
    id: FriendGroupId,
) -> QueryResult<bool> {
    let named = friend_groups::owner_id.eq(owner).and(friend_groups::name.eq(name)).and(friend_groups::id.ne(id));
    diesel::select(diesel::dsl::exists(friend_groups::table.filter(named))).get_result(&mut conn).await
}

/// Renames a group.
pub async fn update_name(mut conn: &AsyncPgConnection, id: FriendGroupId, name: &str) -> QueryResult<FriendGroup> {
    let named = update(friend_groups::table.find(id)).set(friend_groups::name.eq(name));
    named.returning(FriendGroup::as_returning()).get_result(&mut conn).await
}

/// Deletes a group of a person; false where there is none.
pub async fn delete_group(mut conn: &AsyncPgConnection, owner: UserId, id: FriendGroupId) -> QueryResult<bool> {
    let own = friend_groups::table.filter(friend_groups::id.eq(id).and(friend_groups::owner_id.eq(owner)));
    Ok(delete(own).execute(&mut conn).await? == 1)
}

/// Deletes all groups of a person.
pub async fn delete_all_of(mut conn: &AsyncPgConnection, owner: UserId) -> QueryResult<()> {
    delete(friend_groups::table.filter(friend_groups::owner_id.eq(owner))).execute(&mut conn).await.map(drop)
}

statement! {
    /// Sorts friendships into a group; those that were not in it.
    struct InsertMembers<'a> { group: FriendGroupId, friendships: &'a [FriendshipId] } -> BigInt
    |this|
    "insert into friend_group_members (group_id, friendship_id) select " [BigInt: &this.group]
    ", held.id from (select id from friendships where id = any(" [Array<BigInt>: &this.friendships]
    ") order by id for key share) held on conflict do nothing returning friendship_id"
}

/// Sorts friendships into a group, without those that ended meanwhile; those that were not in it.
pub async fn insert_members(
    mut conn: &AsyncPgConnection,
    group: FriendGroupId,
    friendships: &[FriendshipId],
) -> QueryResult<Vec<FriendshipId>> {
    InsertMembers { group, friendships }.load(&mut conn).await
}

/// Takes friendships out of a group; those that were in it.
pub async fn delete_members(
    mut conn: &AsyncPgConnection,
    group: FriendGroupId,
    friendships: &[FriendshipId],
) -> QueryResult<Vec<FriendshipId>> {
    let members = friend_group_members::group_id.eq(group).and(friend_group_members::friendship_id.eq_any(friendships));
    delete(friend_group_members::table.filter(members))
        .returning(friend_group_members::friendship_id)
        .get_results(&mut conn)
        .await
}
