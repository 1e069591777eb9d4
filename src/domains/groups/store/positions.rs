//! Where groups are, and which of them are near a place.

use diesel::dsl::delete;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Double, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{GROUP, GroupColumns};
use crate::db::schema::group_positions;
use crate::db::{Limit, statement};
use crate::domains::groups::model::Group;
use crate::domains::groups::model::nearby::NearbyGroup;
use crate::domains::search::model::SearchKind;
use crate::domains::search::terms::{Matching, Terms};
use crate::geo::GridCell;
use crate::ids::GroupId;

statement! {
    /// Writes where a group is.
    struct UpsertGroupPosition<'a> { group: GroupId, cell: i64, point: &'a [f64] } -> Integer
    |this|
    "insert into group_positions (group_id, cell, place) values (" [BigInt: &this.group] ", " [BigInt: &this.cell]
    ", cube(" [Array<Double>: this.point] ")) on conflict (group_id) do update set cell = excluded.cell, \
     place = excluded.place"
}

/// Writes where a group is that is held.
pub async fn upsert_position(mut conn: &AsyncPgConnection, group: GroupId, cell: GridCell) -> QueryResult<()> {
    let point = cell.point_of(group.0);
    UpsertGroupPosition { group, cell: cell.number(), point: &point }.execute(&mut conn).await.map(drop)
}

/// Deletes where a group is that is held.
pub async fn delete_position(mut conn: &AsyncPgConnection, group: GroupId) -> QueryResult<()> {
    delete(group_positions::table.find(group)).execute(&mut conn).await.map(drop)
}

/// Where some groups are.
pub async fn list_cells(mut conn: &AsyncPgConnection, groups: &[GroupId]) -> QueryResult<Vec<(GroupId, GridCell)>> {
    let found = group_positions::table.filter(group_positions::group_id.eq_any(groups));
    let rows: Vec<(GroupId, i64)> =
        found.select((group_positions::group_id, group_positions::cell)).load(&mut conn).await?;
    Ok(rows.into_iter().map(|(group, cell)| (group, GridCell::from_number(cell))).collect())
}

/// Which groups a list of those that are near has.
#[derive(Clone, Copy, Debug)]
pub struct NearbyGroupSelection<'a> {
    /// From where.
    pub from: GridCell,
    /// How far the list reaches, in a straight line.
    pub reach: f64,
    /// Words of their names and introductions.
    pub terms: Option<&'a Terms>,
}

/// That a group found by its words is within reach.
struct WithinReach<'a> {
    from: &'a [f64],
    reach: f64,
}

impl QueryFragment<Pg> for WithinReach<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("group_positions.place <-> cube(");
        out.push_bind_param::<Array<Double>, _>(self.from)?;
        out.push_sql(") <= ");
        out.push_bind_param::<Double, _>(&self.reach)
    }
}

/// Joins the positions to what search looks at.
const JOIN: &str = " cross join lateral (select place from group_positions where group_positions.group_id = \
    search_entries.subject_id offset 0) group_positions";

/// The nearest groups: by the index of their points, or of those that were found by their words. The index gives an order by
/// distance alone: no two points are the same. How far the list reaches is looked at last: a condition on the index would let
/// the planner sort a whole city.
struct NearestGroups<'a> {
    within: &'a WithinReach<'a>,
    found: Option<Matching<'a>>,
    limit: Limit,
}

impl<'a> NearestGroups<'a> {
    fn new(within: &'a WithinReach<'a>, terms: Option<&'a Terms>, limit: i64) -> Self {
        let found = terms.map(|terms| Matching::new(SearchKind::Group, terms).only(JOIN, within).unranked());
        Self { within, found, limit: Limit(limit) }
    }
}

impl QueryFragment<Pg> for NearestGroups<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" from (");
        if let Some(found) = &self.found {
            out.push_sql("with ");
            found.push(&mut out, "found")?;
            out.push_sql(" ");
        }
        out.push_sql("select group_positions.group_id, group_positions.cell, group_positions.place <-> cube(");
        out.push_bind_param::<Array<Double>, _>(self.within.from)?;
        out.push_sql(") as away from ");
        out.push_sql(match &self.found {
            None => "group_positions",
            Some(_) => {
                "found cross join lateral (select * from group_positions where group_id = found.id offset 0) group_positions"
            }
        });
        out.push_sql(" order by group_positions.place <-> cube(");
        out.push_bind_param::<Array<Double>, _>(self.within.from)?;
        out.push_sql(") limit ");
        self.limit.walk_ast(out.reborrow())?;
        out.push_sql(") nearest where away <= ");
        out.push_bind_param::<Double, _>(&self.within.reach)
    }
}

/// The place in a list behind which a page starts.
#[derive(Clone, Copy, Debug)]
pub struct GroupDistance {
    /// The straight line to the group's point.
    pub away: f64,
    /// The group.
    pub group: GroupId,
}

struct BehindDistance(Option<GroupDistance>);

impl QueryFragment<Pg> for BehindDistance {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some(GroupDistance { away, group }) = &self.0 else { return Ok(()) };
        out.push_sql(" and (away, group_id) > (");
        out.push_bind_param::<Double, _>(away)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(group)?;
        out.push_sql(")");
        Ok(())
    }
}

statement! {
    by text
    /// A page of the groups that are near.
    struct ListNearbyGroups<'a> { nearest: NearestGroups<'a>, behind: BehindDistance, limit: Limit }
        -> (GroupColumns, BigInt, Double)
    |this|
    "select " {&*GROUP} ", page.cell, page.away from (select group_id, cell, away" {&this.nearest} {&this.behind}
    " order by away, group_id limit " {&this.limit} ") page cross join lateral (select * from groups where id = page.group_id \
     offset 0) groups order by page.away, page.group_id"
}

statement! {
    by text
    /// How many groups are near, as many as a list has.
    struct CountNearbyGroups<'a> { nearest: NearestGroups<'a> } -> BigInt
    |this|
    "select count(*)" {&this.nearest}
}

/// The nearest groups behind a place in the list, the nearest first; `longest` is where the list ends.
pub async fn list_nearby(
    mut conn: &AsyncPgConnection,
    selection: &NearbyGroupSelection<'_>,
    behind: Option<GroupDistance>,
    limit: i64,
    longest: i64,
) -> QueryResult<Vec<NearbyGroup>> {
    let from = selection.from.point();
    let within = WithinReach { from: &from, reach: selection.reach };
    // Where a page begins is in no index: all of the list is read, which is short.
    let nearest = NearestGroups::new(&within, selection.terms, if behind.is_some() { longest } else { limit });
    let list = ListNearbyGroups { nearest, behind: BehindDistance(behind), limit: Limit(limit) };
    let rows: Vec<(Group, i64, f64)> = list.load(&mut conn).await?;
    let group = |(group, cell, away)| NearbyGroup { group, cell: GridCell::from_number(cell), away };
    Ok(rows.into_iter().map(group).collect())
}

/// How many groups are near, up to `longest`.
pub async fn count_nearby(
    mut conn: &AsyncPgConnection,
    selection: &NearbyGroupSelection<'_>,
    longest: i64,
) -> QueryResult<i64> {
    let from = selection.from.point();
    let within = WithinReach { from: &from, reach: selection.reach };
    let nearest = NearestGroups::new(&within, selection.terms, longest);
    CountNearbyGroups { nearest }.get_result(&mut conn).await
}
