//! Which items a list has, as SQL.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Integer};

use crate::db::{push_instant_literal, push_number_literal};
use crate::domains::items::model::{ItemDirection, ItemFilter, ItemStatus};
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
    /// Items of which states.
    pub(super) fn statuses(&self) -> &[ItemStatus] {
        match &self.filter.status {
            Some(statuses) => statuses,
            None if self.with_deleted => ItemStatus::ALL,
            None => &[ItemStatus::Open, ItemStatus::Closed],
        }
    }

    /// Whether the filter cuts rows out of the list's order. How many rows have to be read for a page depends on its values then:
    /// they are literals, so that PostgreSQL plans each time with those at hand.
    pub(super) fn has_residual_filter(&self) -> bool {
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
    pub(super) fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, by: IndexPrefix) -> QueryResult<()> {
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
        if by == IndexPrefix::Nothing {
            out.push_sql(" and items.status = any(");
            push_statuses(out, self.statuses());
            out.push_sql(")");
        }
        if let (Some(categories), true) = (category, by != IndexPrefix::State) {
            out.push_sql(" and items.category = any(");
            out.push_bind_param::<Array<Integer>, _>(categories)?;
            out.push_sql(")");
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
pub(super) enum IndexPrefix {
    Nothing,
    /// The state, and the category where there is one.
    State,
    /// The owner and the state.
    Owner,
}

/// States are few, and known: as literals they let PostgreSQL plan with what it knows of them.
pub(super) fn push_statuses(out: &mut AstPass<'_, '_, Pg>, statuses: &[ItemStatus]) {
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
