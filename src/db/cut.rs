//! How a page is cut out of a list: by what its rows are ordered, behind which one it starts, and how many it has.

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

/// What a list is ordered by; the rows' ids decide between equals.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The column, with its table's name.
    pub name: &'static str,
    /// The rows' id, with its table's name.
    pub id: &'static str,
    /// What it holds.
    pub holds: Holds,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Instants; in a cursor, microseconds.
    Instants,
    /// Numbers.
    Numbers,
    /// Texts.
    Texts,
}

/// A row's value in the column, as a cursor has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Mark {
    /// A number, or an instant in microseconds.
    Number(i64),
    /// A text.
    Text(String),
}

/// A row's place in a list: its value and its id.
pub type Place = (Mark, i64);

#[derive(Clone, Debug)]
enum Value {
    At(DateTime<Utc>),
    Number(i64),
    Text(String),
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Cut {
    column: Column,
    descending: bool,
    beyond: Option<(Value, i64)>,
    limit: Limit,
}

impl Cut {
    /// A page in this order; `descending` as it is read, which is backward for a page before a cursor.
    ///
    /// # Errors
    /// Bad input for a cursor that is not the server's.
    pub fn new(column: Column, descending: bool, beyond: Option<Place>, limit: i64) -> Result<Self, AppError> {
        let value = |(mark, id): Place| match (column.holds, mark) {
            (Holds::Instants, Mark::Number(micros)) => {
                let at = DateTime::from_timestamp_micros(micros).filter(|at| is_storable(*at));
                at.map(|at| (Value::At(at), id))
            }
            (Holds::Numbers, Mark::Number(number)) => Some((Value::Number(number), id)),
            (Holds::Texts, Mark::Text(text)) if text::is_storable(&text) => Some((Value::Text(text), id)),
            _ => None,
        };
        let made_up = || AppError::bad_input("A cursor is not one of this list's.");
        let beyond = beyond.map(|place| value(place).ok_or_else(made_up)).transpose()?;
        Ok(Self { column, descending, beyond, limit: Limit(limit) })
    }

    /// So many rows of a list at the most, in this order, to be counted.
    #[must_use]
    pub fn count(column: Column, bound: i64) -> Self {
        Self { column, descending: true, beyond: None, limit: Limit(bound) }
    }

    /// How many.
    #[must_use]
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// Writes the order.
    pub fn push_order(&self, out: &mut AstPass<'_, '_, Pg>) {
        let direction = if self.descending { " desc" } else { " asc" };
        for (lead, column) in [(" order by ", self.column.name), (", ", self.column.id)] {
            out.push_sql(lead);
            out.push_sql(column);
            out.push_sql(direction);
        }
    }

    /// Writes where it starts, as a condition that follows another.
    ///
    /// # Errors
    /// None of its own.
    pub fn push_beyond<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some((value, id)) = &self.beyond else { return Ok(()) };
        for part in [" and (", self.column.name, ", ", self.column.id, if self.descending { ") < (" } else { ") > (" }]
        {
            out.push_sql(part);
        }
        match value {
            Value::At(at) => out.push_bind_param::<Timestamptz, _>(at)?,
            Value::Number(number) => out.push_bind_param::<BigInt, _>(number)?,
            Value::Text(text) => out.push_bind_param::<Text, _>(text)?,
        }
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(id)?;
        out.push_sql(")");
        Ok(())
    }

    /// Writes the order and how many.
    ///
    /// # Errors
    /// None of its own.
    pub fn push_end<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.push_order(out);
        out.push_sql(" limit ");
        self.limit.walk_ast(out.reborrow())
    }
}

impl QueryFragment<Pg> for Cut {
    /// The order alone, for whoever joins something to the rows.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.push_order(&mut out);
        Ok(())
    }
}
