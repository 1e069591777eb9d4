//! Lists of items, as SQL.
//!
//! Every order has an index that is led by the state, by category and state, or by owner and state. So a list of several
//! states, categories or owners is read as one list for each, all of them cut at the page's size, and merged: however many
//! rows there are, no more are read than could be shown, but for those that another part of the filter refuses.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Integer};

use super::predicate::{IndexPrefix, ItemPredicate, push_statuses};
use crate::db::keyset;
use crate::domains::items::model::{ItemKey, ItemOrderField};
use crate::error::AppError;
use crate::ids::UserId;

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// When it was put up.
    CreatedAt,
    /// What it costs.
    Price,
    /// How many like it.
    Favorites,
    /// When it was closed.
    ClosedAt,
}

impl Column {
    /// The column of an order; none for how well something fits.
    #[must_use]
    pub fn of(field: ItemOrderField) -> Option<Self> {
        match field {
            ItemOrderField::CreatedAt => Some(Self::CreatedAt),
            ItemOrderField::Price => Some(Self::Price),
            ItemOrderField::Favorites => Some(Self::Favorites),
            ItemOrderField::Relevance => None,
        }
    }

    /// What it holds, as a number.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Self::CreatedAt => "(extract(epoch from items.created_at) * 1000000)::bigint",
            Self::Price => "items.price",
            Self::Favorites => "items.favorite_count::bigint",
            Self::ClosedAt => "(extract(epoch from items.closed_at) * 1000000)::bigint",
        }
    }
}

impl From<Column> for keyset::KeysetColumn {
    fn from(column: Column) -> Self {
        let (name, column_type) = match column {
            Column::CreatedAt => ("items.created_at", keyset::ColumnType::Instants),
            Column::Price => ("items.price", keyset::ColumnType::Numbers),
            Column::Favorites => ("items.favorite_count", keyset::ColumnType::Numbers),
            Column::ClosedAt => ("items.closed_at", keyset::ColumnType::Instants),
        };
        Self { name, id: "items.id", column_type }
    }
}

/// How a page is cut out of a list.
#[derive(Clone, Debug)]
pub struct Cut {
    page: keyset::Keyset,
    counts: bool,
}

impl Cut {
    /// A page of a list in this order; `descending` as it is read, which is backward for a page before a cursor.
    ///
    /// # Errors
    /// Bad input for a cursor that is not the server's.
    pub fn new(column: Column, descending: bool, cursor: Option<ItemKey>, limit: i64) -> Result<Self, AppError> {
        let beyond = cursor.map(|(key, id)| (keyset::KeyValue::Number(key), id.0));
        Ok(Self { page: keyset::Keyset::new(column.into(), descending, beyond, limit)?, counts: false })
    }

    /// So many rows of a list at the most, to be counted.
    #[must_use]
    pub fn count(bound: i64) -> Self {
        Self { page: keyset::Keyset::count(Column::CreatedAt.into(), bound), counts: true }
    }
}

impl QueryFragment<Pg> for Cut {
    /// The order alone, for a statement that joins something to the rows.
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.page.walk_ast(out)
    }
}

/// Whose items a list has.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// As the filter says.
    Filter,
    /// So many of each of these.
    Owners(&'a [UserId]),
    /// Closed ones that this user owned or took.
    Finished(UserId),
}

/// The rows of a page, as a table called `items`.
pub struct PageRows<'a> {
    /// Which rows.
    pub wanted: ItemPredicate<'a>,
    /// Whose.
    pub source: Source<'a>,
    /// How many of them.
    pub cut: Cut,
}

impl PageRows<'_> {
    fn push_end<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Without a residual filter the rows are read in the order of the page; with one the planner chooses.
        if !self.cut.counts || !(self.wanted.has_residual_filter() || self.wanted.filter.direction.is_some()) {
            self.cut.page.push_order(out);
        }
        out.push_sql(" limit ");
        self.cut.page.limit().walk_ast(out.reborrow())
    }

    /// The first rows of a branch.
    fn push_branch<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, lead: Lead<'b>) -> QueryResult<()> {
        out.push_sql("(select items.* from items where ");
        let by = match lead {
            Lead::Category => {
                out.push_sql("items.category = kinds.category and ");
                IndexPrefix::State
            }
            Lead::State => IndexPrefix::State,
            Lead::Owner(owner) => {
                out.push_sql("items.owner_id = ");
                out.push_bind_param::<BigInt, _>(owner)?;
                out.push_sql(" and ");
                IndexPrefix::Owner
            }
            Lead::People => {
                out.push_sql("items.owner_id = people.id and ");
                IndexPrefix::Owner
            }
        };
        match self.wanted.statuses() {
            [status] => {
                for part in ["items.status = '", status.name(), "'"] {
                    out.push_sql(part);
                }
            }
            _ => out.push_sql("items.status = states.status"),
        }
        self.wanted.push(out, by)?;
        self.cut.page.push_after(out)?;
        self.push_end(out)?;
        out.push_sql(") items");
        Ok(())
    }

    /// One branch for each state and category. A single state is a literal, not a join with a list of one: that costs an eighth
    /// less for a page of the feed.
    fn push_branches<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, lead: Lead<'b>) -> QueryResult<()> {
        let several = match self.wanted.statuses() {
            [_] => None,
            statuses => Some(statuses),
        };
        let categories = self.wanted.filter.category.as_ref().filter(|_| matches!(lead, Lead::Category));
        if several.is_none() && categories.is_none() {
            return self.push_branch(out, lead);
        }
        out.push_sql("(select items.* from ");
        if let Some(statuses) = several {
            out.push_sql("unnest(");
            push_statuses(out, statuses);
            out.push_sql(") states (status) cross join ");
        }
        if let Some(categories) = categories {
            out.push_sql("unnest(");
            out.push_bind_param::<Array<Integer>, _>(categories)?;
            out.push_sql(") kinds (category) cross join ");
        }
        out.push_sql("lateral ");
        self.push_branch(out, lead)?;
        self.push_end(out)?;
        out.push_sql(") items");
        Ok(())
    }
}

/// What the branches of a list are led by, before the state.
#[derive(Clone, Copy)]
enum Lead<'a> {
    /// Nothing.
    State,
    /// Each of the wanted categories.
    Category,
    /// One owner.
    Owner(&'a UserId),
    /// Each of the owners in `people`.
    People,
}

impl QueryFragment<Pg> for PageRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let filter = self.wanted.filter;
        match &self.source {
            Source::Owners([owner]) => self.push_branches(&mut out, Lead::Owner(owner))?,
            Source::Owners(owners) => {
                out.push_sql("(select items.* from unnest(");
                out.push_bind_param::<Array<BigInt>, _>(owners)?;
                out.push_sql(") people (id) cross join lateral ");
                self.push_branches(&mut out, Lead::People)?;
                out.push_sql(") items");
            }
            Source::Finished(person) => {
                for (n, side) in ["items.owner_id = ", "items.counterparty_id = "].into_iter().enumerate() {
                    out.push_sql(if n == 0 { "(select items.* from (" } else { " union all " });
                    out.push_sql("(select items.* from items where items.status = 'CLOSED' and ");
                    out.push_sql(side);
                    out.push_bind_param::<BigInt, _>(person)?;
                    self.cut.page.push_after(&mut out)?;
                    self.push_end(&mut out)?;
                    out.push_sql(")");
                }
                out.push_sql(") items");
                self.push_end(&mut out)?;
                out.push_sql(") items");
            }
            Source::Filter => {
                let by_category = if filter.category.is_some() { Lead::Category } else { Lead::State };
                self.push_branches(&mut out, filter.owner_id.as_ref().map_or(by_category, Lead::Owner))?;
            }
        }
        Ok(())
    }
}
