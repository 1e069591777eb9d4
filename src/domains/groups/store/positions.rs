//! Where groups are, and which of them are near a place.

use diesel::dsl::delete;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Double, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{GROUP, GroupColumns};
use crate::db::schema::group_positions;
use crate::db::{Limit, push_number_literal, statement};
use crate::domains::groups::model::Group;
use crate::domains::groups::model::nearby::NearbyGroup;
use crate::domains::nearby::policy::LIST_LIMIT;
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

/// The place in a list behind which a page starts.
#[derive(Clone, Copy, Debug)]
pub struct GroupDistance {
    /// The straight line to the group's point.
    pub away: f64,
    /// The group.
    pub group: GroupId,
}

/// The rows of a page of the list, or all of them.
struct NearbyRange<'a> {
    from: &'a [f64],
    reach: f64,
    behind: Option<GroupDistance>,
    limit: i64,
}

impl NearbyRange<'_> {
    fn push_distance<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("group_positions.place <-> cube(");
        out.push_bind_param::<Array<Double>, _>(self.from)?;
        out.push_sql(")");
        Ok(())
    }

    /// The nearest groups, as a table with `group_id`, `cell` and `away`, of some that are joined or of all; its limit and name
    /// follow. The index gives an order by distance alone: no two points are the same. How far the list reaches is looked at last:
    /// a condition on the index would let the planner sort a whole city.
    fn push_nearest<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, joined: &str) -> QueryResult<()> {
        out.push_sql("(select group_positions.group_id, group_positions.cell, ");
        self.push_distance(out)?;
        out.push_sql(" as away from ");
        out.push_sql(joined);
        out.push_sql("group_positions order by ");
        self.push_distance(out)?;
        out.push_sql(" limit ");
        Ok(())
    }

    /// What of the nearest is within reach, as a condition.
    fn push_within<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" where away <= ");
        out.push_bind_param::<Double, _>(&self.reach)
    }

    /// What is behind the page before, as a further condition.
    fn push_behind<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some(GroupDistance { away, group }) = &self.behind else { return Ok(()) };
        out.push_sql(" and (away, group_id) > (");
        out.push_bind_param::<Double, _>(away)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(group)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<Pg> for NearbyRange<'_> {
    /// That a group found by its words is within reach, and that those among the nearest do not fill the page, nor are all that
    /// there are within reach. Where none of these has the words, a mistyped word may still find some.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(select count(fits) filter (where true");
        self.push_behind(&mut out)?;
        out.push_sql(") < ");
        push_number_literal(&mut out, self.limit);
        out.push_sql(" and (count(*) >= ");
        push_number_literal(&mut out, LIST_LIMIT);
        out.push_sql(" or (count(*) > 0 and count(fits) = 0)) from near");
        self.push_within(&mut out)?;
        out.push_sql(") and ");
        self.push_distance(&mut out)?;
        out.push_sql(" <= ");
        out.push_bind_param::<Double, _>(&self.reach)
    }
}

/// Joins the positions to what search looks at.
const JOIN: &str = " cross join lateral (select place from group_positions where group_positions.group_id = \
    search_entries.subject_id offset 0) group_positions";

/// As [`LIST_LIMIT`].
const LONGEST: Limit = Limit(LIST_LIMIT);

/// The nearest groups of a range, by the index of their points. Of those that have some words, the ones among the nearest of all
/// groups come first: where these are enough, other groups are farther away, and need not be looked for. Else they are found by
/// the index of the words.
struct NearestGroups<'a> {
    range: &'a NearbyRange<'a>,
    terms: Option<&'a Terms>,
    found: Option<Matching<'a>>,
    limit: Limit,
}

impl<'a> NearestGroups<'a> {
    fn new(range: &'a NearbyRange<'a>, terms: Option<&'a Terms>) -> Self {
        let found = terms.map(|terms| Matching::new(SearchKind::Group, terms).only(JOIN, range).unranked());
        // Where a page begins is in no index: all of the list is read, which is short.
        let limit = if range.behind.is_some() { LONGEST } else { Limit(range.limit) };
        Self { range, terms, found, limit }
    }

    fn push_near<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, terms: &'b Terms) -> QueryResult<()> {
        out.push_sql("near as materialized (select group_id, away, fits from ");
        self.range.push_nearest(out, "")?;
        LONGEST.walk_ast(out.reborrow())?;
        out.push_sql(
            ") nearest left join lateral (select true as fits from search_entries where kind = 'GROUP' \
             and subject_id = nearest.group_id and ",
        );
        terms.push_fits(out, "words");
        out.push_sql(" offset 0) hits on true), ");
        Ok(())
    }
}

impl QueryFragment<Pg> for NearestGroups<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" from ");
        if let (Some(found), Some(terms)) = (&self.found, self.terms) {
            out.push_sql("(with ");
            self.push_near(&mut out, terms)?;
            found.push(&mut out, "found")?;
            out.push_sql(" select * from ");
            let joined = "(select group_id as id from near where fits union select id from found) hits cross join lateral \
                (select * from group_positions where group_id = hits.id offset 0) ";
            self.range.push_nearest(&mut out, joined)?;
            LONGEST.walk_ast(out.reborrow())?;
            out.push_sql(") nearest) nearest");
        } else {
            self.range.push_nearest(&mut out, "")?;
            self.limit.walk_ast(out.reborrow())?;
            out.push_sql(") nearest");
        }
        self.range.push_within(&mut out)?;
        self.range.push_behind(&mut out)
    }
}

statement! {
    by text
    /// A page of the groups that are near.
    struct ListNearbyGroups<'a> { nearest: NearestGroups<'a>, limit: Limit }
        -> (GroupColumns, BigInt, Double)
    |this|
    "select " {&*GROUP} ", page.cell, page.away from (select group_id, cell, away" {&this.nearest}
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

/// A page of the nearest groups, the nearest first, of at most so many rows.
pub async fn list_nearby(
    mut conn: &AsyncPgConnection,
    selection: &NearbyGroupSelection<'_>,
    behind: Option<GroupDistance>,
    limit: i64,
) -> QueryResult<Vec<NearbyGroup>> {
    let from = selection.from.point();
    let range = NearbyRange { from: &from, reach: selection.reach, behind, limit };
    let list = ListNearbyGroups { nearest: NearestGroups::new(&range, selection.terms), limit: Limit(limit) };
    let rows: Vec<(Group, i64, f64)> = list.load(&mut conn).await?;
    let group = |(group, cell, away)| NearbyGroup { group, cell: GridCell::from_number(cell), away };
    Ok(rows.into_iter().map(group).collect())
}

/// How many groups a list has.
pub async fn count_nearby(mut conn: &AsyncPgConnection, selection: &NearbyGroupSelection<'_>) -> QueryResult<i64> {
    let from = selection.from.point();
    let range = NearbyRange { from: &from, reach: selection.reach, behind: None, limit: LIST_LIMIT };
    CountNearbyGroups { nearest: NearestGroups::new(&range, selection.terms) }.get_result(&mut conn).await
}
