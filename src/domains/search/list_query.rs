//! The rows of a page of some list: those in certain states, or those that fit some words.
//!
//! Every list's index is led by the state, after the owner where the list is of one owner. So a list of several states is read
//! as one list for each, all of them cut at the page's size, and merged: however many rows there are, no more are read
//! than could be shown, but for those that another part of the filter refuses.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};

use crate::db::keyset::Keyset;
use crate::domains::search::model::SearchKind;
use crate::domains::search::terms::{Condition, Matching, Terms};

/// Which rows of a table a list has.
pub struct ListPredicate<'a> {
    /// The table.
    pub table: &'static str,
    /// States as SQL has them; any where none are given.
    pub states: Option<String>,
    /// All else that has to hold.
    pub more: &'a Condition<'a>,
}

impl ListPredicate<'_> {
    /// An array of states of this type, of which there may be none.
    #[must_use]
    pub fn states(names: impl Iterator<Item = &'static str>, sql_type: &str) -> String {
        let names: Vec<String> = names.map(|name| format!("'{name}'")).collect();
        format!("array[{}]::{sql_type}[]", names.join(","))
    }

    /// Those of all states that a filter asks for, or all of them; each once and in their order, so that the SQL has few texts.
    #[must_use]
    pub fn asked_states<S: Copy + PartialEq>(
        all: &[S],
        asked: Option<&[S]>,
        name: fn(S) -> &'static str,
        sql_type: &str,
    ) -> String {
        let states = all.iter().filter(|state| asked.is_none_or(|asked| asked.contains(state)));
        Self::states(states.map(|state| name(*state)), sql_type)
    }

    fn push_more<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" where ");
        self.more.walk_ast(out.reborrow())
    }
}

impl QueryFragment<Pg> for ListPredicate<'_> {
    /// All of it as a condition.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.more.walk_ast(out.reborrow())?;
        if let Some(states) = &self.states {
            for part in [" and ", self.table, ".status = any(", states, ")"] {
                out.push_sql(part);
            }
        }
        Ok(())
    }
}

/// A table whose rows search finds.
#[derive(Clone, Copy)]
pub struct SearchedTable {
    /// Kind of its entries.
    pub kind: SearchKind,
    /// SQL that joins the table to `search_entries`, by its primary key alone.
    pub join: &'static str,
}

/// The rows of a page, as a table of the same name.
pub struct ListRows<'a> {
    wanted: &'a ListPredicate<'a>,
    found: Option<Matching<'a>>,
    /// How they are cut, and ordered.
    pub cut: Keyset,
}

impl<'a> ListRows<'a> {
    /// All that is wanted.
    #[must_use]
    pub fn new(wanted: &'a ListPredicate<'a>, cut: Keyset) -> Self {
        Self { wanted, found: None, cut }
    }

    /// Of what is wanted, what fits some words, if there are any.
    #[must_use]
    pub fn matching(
        wanted: &'a ListPredicate<'a>,
        cut: Keyset,
        table: SearchedTable,
        terms: Option<&'a Terms>,
    ) -> Self {
        let found = terms.map(|terms| Matching::new(table.kind, terms).only(table.join, wanted).unranked());
        Self { wanted, found, cut }
    }

    fn push_select(&self, out: &mut AstPass<'_, '_, Pg>) {
        for part in ["select ", self.wanted.table, ".* from "] {
            out.push_sql(part);
        }
    }
}

impl QueryFragment<Pg> for ListRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let table = self.wanted.table;
        out.push_sql("(");
        if let Some(found) = &self.found {
            out.push_sql("with ");
            found.push(&mut out, "found")?;
            out.push_sql(" ");
            self.push_select(&mut out);
            // Only by the primary key: with `offset 0` no other way is open.
            for part in [
                "found cross join lateral (select ",
                table,
                ".* from ",
                table,
                " where ",
                table,
                ".id = found.id offset 0) ",
            ] {
                out.push_sql(part);
            }
            for part in [table, " where true"] {
                out.push_sql(part);
            }
            self.cut.push_after(&mut out)?;
        } else if let Some(states) = &self.wanted.states {
            self.push_select(&mut out);
            for part in ["unnest(", states, ") states (status) cross join lateral ("] {
                out.push_sql(part);
            }
            self.push_select(&mut out);
            out.push_sql(table);
            self.wanted.push_more(&mut out)?;
            for part in [" and ", table, ".status = states.status"] {
                out.push_sql(part);
            }
            self.cut.push_after(&mut out)?;
            self.cut.push_order_and_limit(&mut out)?;
            out.push_sql(") ");
            out.push_sql(table);
        } else {
            self.push_select(&mut out);
            out.push_sql(table);
            self.wanted.push_more(&mut out)?;
            self.cut.push_after(&mut out)?;
        }
        self.cut.push_order_and_limit(&mut out)?;
        out.push_sql(") ");
        out.push_sql(table);
        Ok(())
    }
}
