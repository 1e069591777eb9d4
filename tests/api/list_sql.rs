//! The SQL of composed lists, as snapshots: what a filter or an order adds to a statement is seen in the change that adds it.

mod items;
mod orders;
mod products;
mod tasks;
mod tickets;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use plaza::db::keyset::{ColumnType, KeyValue, Keyset, KeysetColumn};
use plaza::domains::search::terms::{ParsedQuery, Spellings, Terms};

/// SQL and its parameters, a clause to a line.
fn sql_of(fragment: &impl QueryFragment<Pg>) -> String {
    let sql = diesel::debug_query::<Pg, _>(fragment).to_string();
    let clauses =
        [" from ", " where ", " and ", " or ", " cross join ", " union all ", " order by ", " limit ", " -- binds"];
    clauses.iter().fold(sql, |sql, clause| sql.replace(clause, &format!("\n{}", &clause[1..])))
}

fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn terms() -> Terms {
    ParsedQuery::parse("fan").terms(&Spellings::new()).unwrap()
}

/// The first page, the last first.
fn first_page(column: KeysetColumn) -> Keyset {
    Keyset::new(column, true, None, 11).unwrap()
}

/// The page before a cursor in the same order; its size is rounded up to the next literal.
fn page_before(column: KeysetColumn) -> Keyset {
    let value = match column.column_type {
        ColumnType::Instants => KeyValue::Number(1_790_000_000_000_000),
        ColumnType::Numbers => KeyValue::Number(500),
        ColumnType::Texts => KeyValue::Text("fan".to_owned()),
    };
    Keyset::new(column, false, Some((value, 9)), 12).unwrap()
}
