//! Rows of two people, and blocks.

use chrono::{DateTime, Utc};
use diesel::dsl::{delete, insert_into, update};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::{blocks, relations};
use crate::db::statement;
use crate::domains::relations::model::{Block, BlockState};
use crate::ids::UserId;
use crate::page::PageRequest;

statement! {
    /// Locks the row of two people, which is made where there is none; since when they are friends.
    struct LockPair { low: UserId, high: UserId } -> Nullable<Timestamptz>
    |this|
    "insert into relations (low_user_id, high_user_id) values (" [BigInt: &this.low] ", " [BigInt: &this.high]
    ") on conflict (low_user_id, high_user_id) do update set friends_since = relations.friends_since returning friends_since"
}

/// Locks the row of two people; since when they are friends.
pub async fn lock_pair(mut conn: &AsyncPgConnection, one: UserId, other: UserId) -> QueryResult<Option<DateTime<Utc>>> {
    LockPair { low: one.min(other), high: one.max(other) }.get_result(&mut conn).await
}

/// Whether two people have a row.
pub async fn is_known(mut conn: &AsyncPgConnection, one: UserId, other: UserId) -> QueryResult<bool> {
    let pair = relations::table.find((one.min(other), one.max(other)));
    diesel::select(diesel::dsl::exists(pair)).get_result(&mut conn).await
}

/// Locks all rows of a person, in the order of their keys.
pub async fn lock_all_of(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<()> {
    let own = relations::low_user_id.eq(user).or(relations::high_user_id.eq(user));
    relations::table
        .filter(own)
        .order((relations::low_user_id, relations::high_user_id))
        .select(relations::low_user_id)
        .for_no_key_update()
        .execute(&mut conn)
        .await
        .map(drop)
}

/// Notes since when two people are friends; none when they are no longer. Their row is held.
pub async fn update_friends_since(
    mut conn: &AsyncPgConnection,
    one: UserId,
    other: UserId,
    since: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    let pair = relations::table.find((one.min(other), one.max(other)));
    update(pair).set(relations::friends_since.eq(since)).execute(&mut conn).await.map(drop)
}

/// Notes that a person has no friends any more. Their rows are held.
pub async fn end_friendships_of(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<()> {
    let own = relations::low_user_id.eq(user).or(relations::high_user_id.eq(user));
    let friends = relations::table.filter(own).filter(relations::friends_since.is_not_null());
    update(friends).set(relations::friends_since.eq(None::<DateTime<Utc>>)).execute(&mut conn).await.map(drop)
}

statement! {
    /// Who of two people blocks the other.
    struct BlocksOfPair { own: UserId, other: UserId } -> (Bool, Bool)
    |this|
    "select exists (select from blocks where blocker_id = " [BigInt: &this.own] " and blocked_id = " [BigInt: &this.other]
    "), exists (select from blocks where blocker_id = " [BigInt: &this.other] " and blocked_id = " [BigInt: &this.own] ")"
}

/// Who of two people blocks the other.
pub async fn find_blocks(mut conn: &AsyncPgConnection, own: UserId, other: UserId) -> QueryResult<BlockState> {
    let (own, theirs) = BlocksOfPair { own, other }.get_result(&mut conn).await?;
    Ok(BlockState { own, theirs })
}

statement! {
    /// The blocks between a person and others: blocker and blocked. With `offset 0` each pair is looked up by its key:
    /// PostgreSQL would read all blocks of the person.
    struct BlocksAmong<'a> { user: UserId, others: &'a [UserId] } -> (BigInt, BigInt)
    |this|
    "with pairs as materialized (select " [BigInt: &this.user] " as own, unnest(" [Array<BigInt>: &this.others] ") as other) \
     select block.* from pairs cross join lateral (select blocker_id, blocked_id from blocks \
       where blocker_id = own and blocked_id = other offset 0) block \
     union all select block.* from pairs cross join lateral (select blocker_id, blocked_id from blocks \
       where blocker_id = other and blocked_id = own offset 0) block"
}

/// The blocks between a person and others: blocker and blocked.
pub async fn list_blocks_among(
    mut conn: &AsyncPgConnection,
    user: UserId,
    others: &[UserId],
) -> QueryResult<Vec<(UserId, UserId)>> {
    BlocksAmong { user, others }.load(&mut conn).await
}

statement! {
    /// Those among some users who are friends of a person. Each pair is looked up by its key.
    struct FriendsAmong<'a> { user: UserId, others: &'a [UserId] } -> BigInt
    |this|
    "select other from unnest(" [Array<BigInt>: &this.others] ") other cross join lateral (select from relations \
       where low_user_id = least(other, " [BigInt: &this.user] ") and high_user_id = greatest(other, " [BigInt: &this.user]
    ") and friends_since is not null offset 0) relation"
}

/// Those among some users who are friends of a person, blocked or not.
pub async fn list_friends_among(
    mut conn: &AsyncPgConnection,
    user: UserId,
    others: &[UserId],
) -> QueryResult<Vec<UserId>> {
    FriendsAmong { user, others }.load(&mut conn).await
}

/// Condition of a list: neither the viewer nor the person in a column blocks the other. Each is looked up by itself: as a join,
/// PostgreSQL might compare it with all blocks of the viewer's.
#[derive(Clone, Copy, Debug)]
pub struct Unblocked {
    /// The viewer.
    pub viewer: UserId,
    /// Qualified column with the other person's id.
    pub other: &'static str,
}

impl QueryFragment<Pg> for Unblocked {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("coalesce((select false from blocks where blocker_id = ");
        out.push_bind_param::<BigInt, _>(&self.viewer)?;
        out.push_sql(" and blocked_id = ");
        out.push_sql(self.other);
        out.push_sql("), true) and coalesce((select false from blocks where blocked_id = ");
        out.push_bind_param::<BigInt, _>(&self.viewer)?;
        out.push_sql(" and blocker_id = ");
        out.push_sql(self.other);
        out.push_sql("), true)");
        Ok(())
    }
}

/// Adds a block; false where it is there already.
pub async fn insert_block(
    mut conn: &AsyncPgConnection,
    blocker: UserId,
    other: UserId,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let block = (blocks::blocker_id.eq(blocker), blocks::blocked_id.eq(other), blocks::created_at.eq(now));
    let added = insert_into(blocks::table).values(block).on_conflict_do_nothing().execute(&mut conn).await?;
    Ok(added == 1)
}

/// Deletes a block; false where there is none.
pub async fn delete_block(mut conn: &AsyncPgConnection, blocker: UserId, other: UserId) -> QueryResult<bool> {
    let block = blocks::table.filter(blocks::blocker_id.eq(blocker).and(blocks::blocked_id.eq(other)));
    Ok(delete(block).execute(&mut conn).await? == 1)
}

/// A page of those whom a person blocks, the last first.
pub async fn list_blocks(
    mut conn: &AsyncPgConnection,
    blocker: UserId,
    page: &PageRequest<i64>,
) -> QueryResult<Vec<Block>> {
    let found = blocks::table.filter(blocks::blocker_id.eq(blocker)).select((blocks::id, blocks::blocked_id));
    let found = found.limit(page.limit()).into_boxed();
    let found = match (page.cursor, page.backward) {
        (Some(cursor), true) => found.filter(blocks::id.gt(cursor)),
        (Some(cursor), false) => found.filter(blocks::id.lt(cursor)),
        (None, _) => found,
    };
    let found = if page.backward { found.order(blocks::id.asc()) } else { found.order(blocks::id.desc()) };
    let rows: Vec<(i64, UserId)> = found.load(&mut conn).await?;
    Ok(rows.into_iter().map(|(id, blocked_id)| Block { id, blocked_id }).collect())
}

/// How many people a person blocks, up to a bound.
pub async fn count_blocks(mut conn: &AsyncPgConnection, blocker: UserId, bound: i64) -> QueryResult<i64> {
    let found = blocks::table.filter(blocks::blocker_id.eq(blocker)).select(blocks::id).limit(bound);
    let ids: Vec<i64> = found.load(&mut conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(bound))
}
