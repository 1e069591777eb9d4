//! Friendships, each as one of the two has it.

use chrono::{DateTime, Utc};
use diesel::dsl::{delete, insert_into, not, update};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::keyset::{ColumnType, Keyset, KeysetColumn};
use crate::db::schema::{friend_counts, friendships};
use crate::db::{columns, statement};
use crate::domains::friends::model::{FriendFilter, FriendSearch, Friendship, FriendshipEdit, NewFriendship};
use crate::ids::{FriendshipId, UserId};

columns!(
    /// The columns of a friendship.
    static FRIENDSHIP: Friendship
);

type FriendshipColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Friendship, Pg>>;

/// Friends come by name.
pub const COLUMN: KeysetColumn =
    KeysetColumn { name: "friendships.sort_key", id: "friendships.id", column_type: ColumnType::Texts };

/// Adds both sides of a friendship.
pub async fn insert_pair(
    mut conn: &AsyncPgConnection,
    sides: [NewFriendship<'_>; 2],
    now: DateTime<Utc>,
) -> QueryResult<Vec<Friendship>> {
    let row = |side: NewFriendship<'_>| {
        (
            friendships::owner_id.eq(side.owner),
            friendships::friend_id.eq(side.friend),
            friendships::sort_key.eq(side.sort_key.to_owned()),
            friendships::created_at.eq(now),
        )
    };
    insert_into(friendships::table)
        .values(sides.map(row))
        .returning(Friendship::as_returning())
        .get_results(&mut conn)
        .await
}

/// Deletes both sides of a friendship.
pub async fn delete_pair(mut conn: &AsyncPgConnection, one: UserId, other: UserId) -> QueryResult<Vec<Friendship>> {
    let sides = friendships::table.filter(
        (friendships::owner_id.eq(one).and(friendships::friend_id.eq(other)))
            .or(friendships::owner_id.eq(other).and(friendships::friend_id.eq(one))),
    );
    delete(sides).returning(Friendship::as_returning()).get_results(&mut conn).await
}

/// Deletes both sides of all friendships of a person; the friends, and whether they saw theirs.
pub async fn delete_all_of(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<Vec<(UserId, bool)>> {
    delete(friendships::table.filter(friendships::owner_id.eq(user))).execute(&mut conn).await?;
    let theirs = delete(friendships::table.filter(friendships::friend_id.eq(user)));
    theirs.returning((friendships::owner_id, not(friendships::hidden))).get_results(&mut conn).await
}

statement! {
    /// Counts a friend more for each of some people, in the order of their ids.
    struct CountMore<'a> { users: &'a [UserId] } -> BigInt
    |this|
    "insert into friend_counts (user_id, friends) select id, 1 from unnest(" [Array<BigInt>: &this.users]
    ") id order by id on conflict (user_id) do update set friends = friend_counts.friends + 1"
}

/// Counts a friend more for each of two people; `friend_counts_friends_check` fails for a person who has the most.
pub async fn count_more(mut conn: &AsyncPgConnection, users: [UserId; 2]) -> QueryResult<()> {
    CountMore { users: &users }.execute(&mut conn).await.map(drop)
}

statement! {
    /// Counts a friend less for each of some people, in the order of their ids.
    struct CountLess<'a> { users: &'a [UserId] } -> BigInt
    |this|
    "with held as materialized (select user_id from friend_counts where user_id = any(" [Array<BigInt>: &this.users]
    ") order by user_id for no key update) \
     update friend_counts set friends = friends - 1 from held where friend_counts.user_id = held.user_id"
}

/// Counts a friend less for each of some people.
pub async fn count_less(mut conn: &AsyncPgConnection, users: &[UserId]) -> QueryResult<()> {
    CountLess { users }.execute(&mut conn).await.map(drop)
}

/// Deletes the count of a person who has no friends any more.
pub async fn delete_count(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<()> {
    delete(friend_counts::table.find(user)).execute(&mut conn).await.map(drop)
}

/// A person's friendships with some others, those that are hidden included.
pub async fn list_among(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    friends: &[UserId],
) -> QueryResult<Vec<Friendship>> {
    let owners = vec![owner; friends.len()];
    FriendshipsAt { owners: &owners, friends }.load(&mut conn).await
}

/// Friendships by owner and friend.
pub async fn list_at(mut conn: &AsyncPgConnection, pairs: &[(UserId, UserId)]) -> QueryResult<Vec<Friendship>> {
    let (owners, friends): (Vec<UserId>, Vec<UserId>) = pairs.iter().copied().unzip();
    FriendshipsAt { owners: &owners, friends: &friends }.load(&mut conn).await
}

statement! {
    /// Friendships by owner and friend.
    struct FriendshipsAt<'a> { owners: &'a [UserId], friends: &'a [UserId] } -> FriendshipColumns
    |this|
    "select " {&*FRIENDSHIP} " from unnest(" [Array<BigInt>: &this.owners] ", " [Array<BigInt>: &this.friends]
    ") as wanted (owner_id, friend_id) join friendships on friendships.owner_id = wanted.owner_id \
     and friendships.friend_id = wanted.friend_id"
}

/// Friendships of a person by id, without those that are hidden.
pub async fn list_by_ids(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    ids: &[FriendshipId],
) -> QueryResult<Vec<Friendship>> {
    let own = friendships::table.filter(friendships::id.eq_any(ids).and(friendships::owner_id.eq(owner)));
    own.filter(friendships::hidden.eq(false)).select(Friendship::as_select()).load(&mut conn).await
}

/// Hides a friendship from its owner, or shows it again; none where there is none.
pub async fn update_hidden(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    friend: UserId,
    hidden: bool,
) -> QueryResult<()> {
    let own = friendships::table.filter(friendships::owner_id.eq(owner).and(friendships::friend_id.eq(friend)));
    update(own).set(friendships::hidden.eq(hidden)).execute(&mut conn).await.map(drop)
}

/// Changes a friendship that its owner sees; none where there is none.
pub async fn update_friendship(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    friend: UserId,
    edit: &FriendshipEdit,
) -> QueryResult<Option<Friendship>> {
    let own = friendships::owner_id.eq(owner).and(friendships::friend_id.eq(friend));
    let own = friendships::table.filter(own).filter(friendships::hidden.eq(false));
    let changed = match edit {
        FriendshipEdit::Remark { remark, sort_key } => {
            let changes = (friendships::remark.eq(remark), friendships::sort_key.eq(sort_key));
            update(own).set(changes).returning(Friendship::as_returning()).get_result(&mut conn).await
        }
        FriendshipEdit::Labels(labels) => {
            let labels: Vec<Option<&str>> = labels.iter().map(|label| Some(label.as_str())).collect();
            let changes = friendships::labels.eq(labels);
            update(own).set(changes).returning(Friendship::as_returning()).get_result(&mut conn).await
        }
    };
    changed.optional()
}

/// Sorts a person anew in the lists of their friends who have no remark for them.
pub async fn update_sort_keys(mut conn: &AsyncPgConnection, friend: UserId, key: &str) -> QueryResult<()> {
    let unnamed = friendships::table.filter(friendships::friend_id.eq(friend).and(friendships::remark.eq("")));
    update(unnamed).set(friendships::sort_key.eq(key)).execute(&mut conn).await.map(drop)
}

/// Whether a person has friends.
pub async fn has_friends(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<bool> {
    let counted = friend_counts::table.find(user).filter(friend_counts::friends.gt(0));
    diesel::select(diesel::dsl::exists(counted)).get_result(&mut conn).await
}

statement! {
    /// Records for all who see a person among their friends that something of them changed.
    struct TellFriends { friend: UserId } -> BigInt
    |this|
    "insert into outbox (kind, audience, audience_id, target_id) \
     select 'FRIENDSHIP_CHANGED', 'USER', owner_id, friend_id from friendships where friend_id = " [BigInt: &this.friend]
    " and not hidden"
}

/// Records for all who see a person among their friends that something of them changed.
pub async fn tell_friends(mut conn: &AsyncPgConnection, friend: UserId) -> QueryResult<()> {
    TellFriends { friend }.execute(&mut conn).await.map(drop)
}

/// A person's list of friends.
struct FriendRows<'a> {
    owner: UserId,
    filter: &'a FriendFilter,
    cut: Keyset,
}

impl QueryFragment<Pg> for FriendRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let FriendFilter { query, label, group } = self.filter;
        out.push_sql(" from friendships");
        if query.is_some() {
            out.push_sql(" join users on users.id = friendships.friend_id");
        }
        out.push_sql(" where friendships.owner_id = ");
        out.push_bind_param::<BigInt, _>(&self.owner)?;
        out.push_sql(" and not friendships.hidden");
        if let Some(FriendSearch { text, key }) = query {
            out.push_sql(" and (strpos(lower(friendships.remark), ");
            out.push_bind_param::<Text, _>(text)?;
            out.push_sql(") > 0 or strpos(lower(users.nickname), ");
            out.push_bind_param::<Text, _>(text)?;
            out.push_sql(") > 0 or strpos(replace(friendships.sort_key, ' ', ''), ");
            out.push_bind_param::<Nullable<Text>, _>(key)?;
            out.push_sql(") > 0)");
        }
        if let Some(label) = label {
            out.push_sql(" and ");
            out.push_bind_param::<Text, _>(label)?;
            out.push_sql(" = any(friendships.labels)");
        }
        if let Some(group) = group {
            out.push_sql(
                " and exists (select from friend_group_members where friend_group_members.friendship_id = friendships.id \
                 and friend_group_members.group_id = ",
            );
            out.push_bind_param::<BigInt, _>(group)?;
            out.push_sql(")");
        }
        self.cut.push_after(&mut out)?;
        self.cut.push_order_and_limit(&mut out)
    }
}

statement! {
    by text
    /// A page of friends.
    struct ListedFriends<'a> { rows: FriendRows<'a> } -> FriendshipColumns
    |this|
    "select " {&*FRIENDSHIP} {&this.rows}
}

statement! {
    by text
    /// How many friends a list has, up to a bound.
    struct CountFriends<'a> { rows: FriendRows<'a> } -> BigInt
    |this|
    "select count(*) from (select 1" {&this.rows} ") counted"
}

/// A page of a person's friends, by name.
pub async fn list_friends(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    filter: &FriendFilter,
    cut: Keyset,
) -> QueryResult<Vec<Friendship>> {
    ListedFriends { rows: FriendRows { owner, filter, cut } }.load(&mut conn).await
}

/// How many friends a list has, up to a bound.
pub async fn count_friends(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    filter: &FriendFilter,
    bound: i64,
) -> QueryResult<i64> {
    CountFriends { rows: FriendRows { owner, filter, cut: Keyset::count(COLUMN, bound) } }.get_result(&mut conn).await
}
