//! Lists of items, as SQL.
//!
//! Every order of the feed has an index that is led by the state, or by category and state. So a list of several
//! states and categories is read as one list for each, all of them cut at the page's size, and merged: however many
//! rows there are, no more are read than could be shown, but for those that another part of the filter refuses.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Integer};

use crate::db::{keyset, push_instant_literal, push_number_literal};
use crate::domains::items::model::{ItemDirection, ItemFilter, ItemKey, ItemOrderField, ItemStatus};
use crate::error::AppError;
use crate::ids::UserId;

/// Which rows a list has, of those that the viewer may see.
#[derive(Clone, Copy, Debug)]
pub struct ItemPredicate<'a> {
    /// What has to hold.
    pub filter: &'a ItemFilter,
    /// Who asks.
    pub viewer: Option<UserId>,
    /// Whether deleted items come along where the filter says nothing of states.
    pub with_deleted: bool,
}

impl ItemPredicate<'_> {
    fn statuses(&self) -> &[ItemStatus] {
        match &self.filter.status {
            Some(statuses) => statuses,
            None if self.with_deleted => ItemStatus::ALL,
            None => &[ItemStatus::Open, ItemStatus::Closed],
        }
    }

    /// Whether the filter cuts rows out of the list's order. How many rows have to be read for a page depends on its values then:
    /// they are literals, so that PostgreSQL plans each time with those at hand.
    fn has_residual_filter(&self) -> bool {
        let ItemFilter {
            min_price,
            max_price,
            min_condition,
            created_from,
            created_to,
            // These lead to an index, or are what search finds by.
            query: _,
            direction: _,
            status: _,
            category: _,
            owner_id: _,
        } = self.filter;
        min_price.is_some()
            || max_price.is_some()
            || min_condition.is_some()
            || created_from.is_some()
            || created_to.is_some()
    }

    /// Whether it matches every search hit: search finds all items that are not deleted.
    #[must_use]
    pub fn matches_every_search_hit(&self) -> bool {
        let states = [ItemStatus::Open, ItemStatus::Closed].iter().all(|status| self.statuses().contains(status));
        let ItemFilter {
            owner_id,
            category,
            direction,
            // What search was asked for, and the states above.
            query: _,
            status: _,
            // Asked by `has_residual_filter`.
            min_price: _,
            max_price: _,
            min_condition: _,
            created_from: _,
            created_to: _,
        } = self.filter;
        states && owner_id.is_none() && category.is_none() && direction.is_none() && !self.has_residual_filter()
    }

    /// All that has to hold, as a condition that follows another.
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, by: IndexPrefix) -> QueryResult<()> {
        let ItemFilter {
            // A list with a query joins what search finds.
            query: _,
            // Read through `statuses`.
            status: _,
            direction,
            category,
            min_price,
            max_price,
            min_condition,
            owner_id,
            created_from,
            created_to,
        } = self.filter;
        if by != IndexPrefix::State {
            out.push_sql(" and items.status = any(");
            push_statuses(out, self.statuses());
            out.push_sql(")");
            if let Some(categories) = category {
                out.push_sql(" and items.category = any(");
                out.push_bind_param::<Array<Integer>, _>(categories)?;
                out.push_sql(")");
            }
        }
        if let (Some(owner), true) = (owner_id, by != IndexPrefix::Owner) {
            out.push_sql(" and items.owner_id = ");
            out.push_bind_param::<BigInt, _>(owner)?;
        }
        if self.statuses().contains(&ItemStatus::Deleted) {
            out.push_sql(" and ");
            push_visible(out, self.viewer.as_ref())?;
        }
        if let Some(direction) = direction {
            out.push_sql(match direction {
                ItemDirection::Sell => " and items.direction = 'SELL'",
                ItemDirection::Want => " and items.direction = 'WANT'",
            });
        }
        if let Some(price) = min_price {
            out.push_sql(" and items.price >= ");
            push_number_literal(out, price.fen());
        }
        if let Some(price) = max_price {
            out.push_sql(" and items.price <= ");
            push_number_literal(out, price.fen());
        }
        if let Some(condition) = min_condition {
            if direction.is_none() {
                // Both, so that the index that conditions are in can be used.
                out.push_sql(" and items.direction = any(array['SELL','WANT']::item_direction[])");
            }
            out.push_sql(" and items.condition >= ");
            push_number_literal(out, i64::from(*condition));
        }
        if let Some(from) = created_from {
            out.push_sql(" and items.created_at >= ");
            push_instant_literal(out, *from);
        }
        if let Some(to) = created_to {
            out.push_sql(" and items.created_at <= ");
            push_instant_literal(out, *to);
        }
        Ok(())
    }
}

impl QueryFragment<Pg> for ItemPredicate<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("true");
        self.push(&mut out, IndexPrefix::Nothing)
    }
}

/// What a branch of a list is led by already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IndexPrefix {
    Nothing,
    Owner,
    /// And by the category, where there is one.
    State,
}

/// States are few, and known: as literals they let PostgreSQL plan with what it knows of them.
fn push_statuses(out: &mut AstPass<'_, '_, Pg>, statuses: &[ItemStatus]) {
    out.push_sql("array[");
    for (n, status) in statuses.iter().enumerate() {
        out.push_sql(if n == 0 { "'" } else { ",'" });
        out.push_sql(status.name());
        out.push_sql("'");
    }
    out.push_sql("]::item_status[]");
}

/// Whether the viewer may see an item: deleted ones only as their owner or an administrator.
pub struct VisibleItems(pub Option<UserId>);

impl QueryFragment<Pg> for VisibleItems {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_visible(&mut out, self.0.as_ref())
    }
}

fn push_visible<'b>(out: &mut AstPass<'_, 'b, Pg>, viewer: Option<&'b UserId>) -> QueryResult<()> {
    out.push_sql("(items.status <> 'DELETED'");
    if let Some(viewer) = viewer {
        out.push_sql(" or items.owner_id = ");
        out.push_bind_param::<BigInt, _>(viewer)?;
        out.push_sql(" or exists (select from users where users.role = 'ADMIN' and users.id = ");
        out.push_bind_param::<BigInt, _>(viewer)?;
        out.push_sql(")");
    }
    out.push_sql(")");
    Ok(())
}

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

    fn push_branch<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, lead: &str, by: IndexPrefix) -> QueryResult<()> {
        out.push_sql("(select items.* from items where ");
        out.push_sql(lead);
        match (by, &self.source, &self.wanted.filter.owner_id) {
            (IndexPrefix::Owner, Source::Owners([owner]), _) | (IndexPrefix::Owner, Source::Filter, Some(owner)) => {
                out.push_bind_param::<BigInt, _>(owner)?;
            }
            _ => {}
        }
        self.wanted.push(out, by)?;
        self.cut.page.push_after(out)?;
        self.push_end(out)?;
        out.push_sql(") items");
        Ok(())
    }

    /// One branch for each state and category. A single state is a literal, not a join with a list of one: that costs an eighth
    /// less for a page of the feed.
    fn push_filtered<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let categories = self.wanted.filter.category.as_ref();
        let (state, states) = match self.wanted.statuses() {
            [status] => (format!("items.status = '{}'", status.name()), None),
            several => ("items.status = states.status".to_owned(), Some(several)),
        };
        if states.is_none() && categories.is_none() {
            return self.push_branch(out, &state, IndexPrefix::State);
        }
        out.push_sql("(select items.* from ");
        if let Some(states) = states {
            out.push_sql("unnest(");
            push_statuses(out, states);
            out.push_sql(") states (status) cross join ");
        }
        let lead = if let Some(categories) = categories {
            out.push_sql("unnest(");
            out.push_bind_param::<Array<Integer>, _>(categories)?;
            out.push_sql(") kinds (category) cross join ");
            format!("items.category = kinds.category and {state}")
        } else {
            state
        };
        out.push_sql("lateral ");
        self.push_branch(out, &lead, IndexPrefix::State)?;
        self.push_end(out)?;
        out.push_sql(") items");
        Ok(())
    }
}

impl QueryFragment<Pg> for PageRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let filter = self.wanted.filter;
        match &self.source {
            Source::Owners([_]) => self.push_branch(&mut out, "items.owner_id = ", IndexPrefix::Owner)?,
            Source::Owners(owners) => {
                out.push_sql("(select items.* from unnest(");
                out.push_bind_param::<Array<BigInt>, _>(owners)?;
                out.push_sql(") people (id) cross join lateral ");
                self.push_branch(&mut out, "items.owner_id = people.id", IndexPrefix::Owner)?;
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
            Source::Filter if filter.owner_id.is_some() => {
                self.push_branch(&mut out, "items.owner_id = ", IndexPrefix::Owner)?;
            }
            Source::Filter => self.push_filtered(&mut out)?,
        }
        Ok(())
    }
}
