//! Keyset pagination: order, position and limit of a page as SQL.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Text, Timestamptz};
use serde::{Deserialize, Serialize};

use super::Limit;
use crate::clock::is_storable;
use crate::error::AppError;
use crate::text;

/// Sort column of a list; ties are broken by id.
#[derive(Clone, Copy, Debug)]
pub struct KeysetColumn {
    /// Qualified column.
    pub name: &'static str,
    /// Qualified id column.
    pub id: &'static str,
    /// Type of the column.
    pub column_type: ColumnType,
}

/// Type of a sort column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Timestamps; microseconds in a cursor.
    Instants,
    /// Numbers.
    Numbers,
    /// Texts.
    Texts,
}

/// Value of the sort column, as in a cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyValue {
    /// A number, or an instant in microseconds.
    Number(i64),
    /// A text.
    Text(String),
}

/// Position of a row in a list: sort value and id.
pub type KeysetPosition = (KeyValue, i64);

#[derive(Clone, Debug)]
enum BoundValue {
    At(DateTime<Utc>),
    Number(i64),
    Text(String),
}

/// See the module docs.
#[derive(Clone, Debug)]
pub struct Keyset {
    column: KeysetColumn,
    descending: bool,
    after: Option<(BoundValue, i64)>,
    limit: Limit,
}

impl Keyset {
    /// A page. `descending` is the scan direction, not the list order (they differ for `last`/`before`).
    ///
    /// # Errors
    /// Bad input for a forged cursor.
    pub fn new(
        column: KeysetColumn,
        descending: bool,
        after: Option<KeysetPosition>,
        limit: i64,
    ) -> Result<Self, AppError> {
        let value = |(key, id): KeysetPosition| match (column.column_type, key) {
            (ColumnType::Instants, KeyValue::Number(micros)) => {
                let at = DateTime::from_timestamp_micros(micros).filter(|at| is_storable(*at));
                at.map(|at| (BoundValue::At(at), id))
            }
            (ColumnType::Numbers, KeyValue::Number(number)) => Some((BoundValue::Number(number), id)),
            (ColumnType::Texts, KeyValue::Text(text)) if text::is_storable(&text) => Some((BoundValue::Text(text), id)),
            _ => None,
        };
        let forged = AppError::foreign_cursor;
        let after = after.map(|position| value(position).ok_or_else(forged)).transpose()?;
        Ok(Self { column, descending, after, limit: Limit(limit) })
    }

    /// The first `bound` rows, for counting.
    #[must_use]
    pub fn count(column: KeysetColumn, bound: i64) -> Self {
        Self { column, descending: true, after: None, limit: Limit(bound) }
    }

    /// The limit.
    #[must_use]
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// Pushes `order by`.
    pub fn push_order(&self, out: &mut AstPass<'_, '_, Pg>) {
        let direction = if self.descending { " desc" } else { " asc" };
        for (lead, column) in [(" order by ", self.column.name), (", ", self.column.id)] {
            out.push_sql(lead);
            out.push_sql(column);
            out.push_sql(direction);
        }
    }

    /// Pushes the position as an `and` condition; nothing without one.
    pub fn push_after<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some((value, id)) = &self.after else { return Ok(()) };
        for part in [" and (", self.column.name, ", ", self.column.id, if self.descending { ") < (" } else { ") > (" }]
        {
            out.push_sql(part);
        }
        match value {
            BoundValue::At(at) => out.push_bind_param::<Timestamptz, _>(at)?,
            BoundValue::Number(number) => out.push_bind_param::<BigInt, _>(number)?,
            BoundValue::Text(text) => out.push_bind_param::<Text, _>(text)?,
        }
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(id)?;
        out.push_sql(")");
        Ok(())
    }

    /// Pushes `order by` and `limit`.
    pub fn push_order_and_limit<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.push_order(out);
        out.push_sql(" limit ");
        self.limit.walk_ast(out.reborrow())
    }
}

impl QueryFragment<Pg> for Keyset {
    /// `order by` alone, for a join around the page.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.push_order(&mut out);
        Ok(())
    }
}
