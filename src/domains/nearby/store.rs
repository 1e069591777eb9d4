//! Positions, and from where people ask.

use chrono::{DateTime, Utc};
use diesel::dsl::delete;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{NearbyPerson, PositionVisibility, UserPosition};
use crate::db::schema::{near_asks, positions, sql_types};
use crate::db::{Limit, statement};
use crate::domains::relations::service::Unblocked;
use crate::geo::GridCell;
use crate::ids::UserId;

/// Positions of some people.
pub async fn list_positions(
    mut conn: &AsyncPgConnection,
    users: &[UserId],
) -> QueryResult<Vec<(UserId, UserPosition)>> {
    let columns = (positions::user_id, positions::cell, positions::visibility, positions::located_at);
    let found = positions::table.filter(positions::user_id.eq_any(users)).select(columns);
    let rows: Vec<(UserId, i64, PositionVisibility, DateTime<Utc>)> = found.load(&mut conn).await?;
    let position = |(user, cell, visibility, located_at)| {
        (user, UserPosition { cell: GridCell::from_number(cell), visibility, located_at })
    };
    Ok(rows.into_iter().map(position).collect())
}

statement! {
    /// Writes a position; without a point it is not shown.
    struct UpsertPosition<'a> { user: UserId, cell: i64, visibility: PositionVisibility, located_at: DateTime<Utc>,
        point: Option<&'a [f64]> } -> Integer
    |this|
    "insert into positions (user_id, cell, visibility, located_at, place) values (" [BigInt: &this.user] ", "
    [BigInt: &this.cell] ", " [sql_types::PositionVisibility: &this.visibility] ", " [Timestamptz: &this.located_at]
    ", cube(" [Nullable<Array<Double>>: &this.point] ")) on conflict (user_id) do update set cell = excluded.cell, \
     visibility = excluded.visibility, located_at = excluded.located_at, place = excluded.place"
}

/// Writes a position; the account is held. It is in the lists if it is shown.
pub async fn upsert_position(
    mut conn: &AsyncPgConnection,
    user: UserId,
    position: &UserPosition,
    is_shown: bool,
) -> QueryResult<()> {
    let UserPosition { cell, visibility, located_at } = *position;
    let point = cell.point_of(user.0);
    let point = is_shown.then_some(point.as_slice());
    UpsertPosition { user, cell: cell.number(), visibility, located_at, point }.execute(&mut conn).await.map(drop)
}

/// Deletes a position.
pub async fn delete_position(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<()> {
    delete(positions::table.find(user)).execute(&mut conn).await.map(drop)
}

statement! {
    /// Takes some positions that are too old out of the lists.
    struct HideOldPositions { since: DateTime<Utc> } -> Integer
    |this|
    "with old as materialized (select user_id from positions where place is not null and located_at <= "
    [Timestamptz: &this.since] " order by located_at limit 1000 for no key update skip locked) \
     update positions set place = null from old where positions.user_id = old.user_id"
}

/// Takes positions that are too old out of the lists, at most a thousand; how many they were.
pub async fn hide_old_positions(mut conn: &AsyncPgConnection, since: DateTime<Utc>) -> QueryResult<usize> {
    HideOldPositions { since }.execute(&mut conn).await
}

/// A list of people who are near.
#[derive(Clone, Copy, Debug)]
pub struct NearbySelection {
    /// The one who asks.
    pub viewer: UserId,
    /// Without those whom a block is with.
    pub unblocked: Unblocked,
    /// From where.
    pub from: GridCell,
    /// How far the list reaches, in a straight line.
    pub reach: f64,
    /// Positions are not older.
    pub since: DateTime<Utc>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Whether the viewer may see a person in the list, apart from the position's visibility.
struct ShownPosition<'a>(&'a NearbySelection);

impl QueryFragment<Pg> for ShownPosition<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let selection = self.0;
        out.push_sql("place is not null and located_at > ");
        out.push_bind_param::<Timestamptz, _>(&selection.since)?;
        out.push_sql(" and deleted_at is null and (suspended_at is null or suspended_until <= ");
        out.push_bind_param::<Timestamptz, _>(&selection.now)?;
        out.push_sql(") and positions.user_id <> ");
        out.push_bind_param::<BigInt, _>(&selection.viewer)?;
        out.push_sql(" and ");
        selection.unblocked.walk_ast(out.reborrow())
    }
}

statement! {
    by text
    /// The nearest of those who are shown to all, by the index of their points, and of the viewer's friends who are shown to
    /// friends, of whom there are few. The index gives an order by distance alone: no two points are the same. How far the list
    /// reaches is looked at last: a condition on the index would let the planner sort a whole city.
    struct ListNearby<'a> { selection: &'a NearbySelection, from: &'a [f64], shown: ShownPosition<'a>, limit: Limit }
        -> (BigInt, BigInt, Double)
    |this|
    "select user_id, cell, away from ((select positions.user_id, cell, place <-> cube(" [Array<Double>: this.from]
    ") as away from positions join users on users.id = positions.user_id where visibility = 'EVERYBODY' and " {&this.shown}
    " order by place <-> cube(" [Array<Double>: this.from] ") limit " {&this.limit}
    ") union all (select positions.user_id, cell, place <-> cube(" [Array<Double>: this.from]
    ") as away from friendships join positions on positions.user_id = friend_id join users on users.id = friend_id \
     where owner_id = " [BigInt: &this.selection.viewer] " and not hidden and visibility = 'FRIENDS' and " {&this.shown}
    " order by away, positions.user_id limit " {&this.limit} ")) found where away <= " [Double: &this.selection.reach]
    " order by away, user_id limit " {&this.limit}
}

/// The people in a table of positions, for [`Unblocked`].
pub const PERSON: &str = "positions.user_id";

/// The nearest people, the nearest first.
pub async fn list_nearby(
    mut conn: &AsyncPgConnection,
    selection: &NearbySelection,
    limit: i64,
) -> QueryResult<Vec<NearbyPerson>> {
    let from = selection.from.point();
    let list = ListNearby { selection, from: &from, shown: ShownPosition(selection), limit: Limit(limit) };
    let rows: Vec<(UserId, i64, f64)> = list.load(&mut conn).await?;
    let person = |(user_id, cell, away)| NearbyPerson { user_id, cell: GridCell::from_number(cell), away };
    Ok(rows.into_iter().map(person).collect())
}

statement! {
    /// Counts a cell that a person asks from, unless it is counted already; when the hour ends, and whether they may ask.
    struct CountAsk { user: UserId, cell: i64, most: i32, ends_at: DateTime<Utc>, now: DateTime<Utc> }
        -> (Timestamptz, Bool)
    |this|
    "with known as materialized (select ends_at from near_asks where user_id = " [BigInt: &this.user] " and ends_at > "
    [Timestamptz: &this.now] " and " [BigInt: &this.cell] " = any(cells)), \
     asked as (insert into near_asks as old (user_id, cells, ends_at) select " [BigInt: &this.user] ", array["
    [BigInt: &this.cell] "], " [Timestamptz: &this.ends_at] " where not exists (select from known) \
     on conflict (user_id) do update set \
         cells = case when old.ends_at <= " [Timestamptz: &this.now] " then excluded.cells \
             when old.cells @> excluded.cells then old.cells else old.cells || excluded.cells end, \
         ends_at = case when old.ends_at <= " [Timestamptz: &this.now] " then excluded.ends_at else old.ends_at end \
     where old.ends_at <= " [Timestamptz: &this.now] " or old.cells @> excluded.cells or cardinality(old.cells) < "
    [Integer: &this.most] " returning ends_at) \
     select ends_at, true from known union all select ends_at, true from asked \
     union all select ends_at, false from near_asks where user_id = " [BigInt: &this.user]
    " and not exists (select from known) and not exists (select from asked)"
}

/// A cell that a person asks from.
#[derive(Clone, Copy, Debug)]
pub struct NewAsk {
    /// The person.
    pub user: UserId,
    /// The cell.
    pub cell: GridCell,
    /// From how many they may ask.
    pub most: u32,
    /// When the hour ends that begins with it.
    pub ends_at: DateTime<Utc>,
}

/// Counts a cell that a person asks from; none where they may ask, else when they may again.
pub async fn insert_ask(
    mut conn: &AsyncPgConnection,
    ask: &NewAsk,
    now: DateTime<Utc>,
) -> QueryResult<Option<DateTime<Utc>>> {
    let NewAsk { user, cell, most, ends_at } = *ask;
    let most = i32::try_from(most).unwrap_or(i32::MAX);
    let count = CountAsk { user, cell: cell.number(), most, ends_at, now };
    // A first one beside another first one may see neither.
    let (ends_at, may_ask) = count.get_result(&mut conn).await.optional()?.unwrap_or((now, false));
    Ok((!may_ask).then_some(ends_at))
}

/// Forgets from where a person asked.
pub async fn delete_asks(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<()> {
    delete(near_asks::table.find(user)).execute(&mut conn).await.map(drop)
}

/// Forgets from where people asked whose hour is over.
pub async fn delete_expired_asks(mut conn: &AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    delete(near_asks::table.filter(near_asks::ends_at.le(now))).execute(&mut conn).await
}
