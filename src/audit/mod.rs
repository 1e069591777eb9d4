//! Consistency checks: ledger, stock, states, counters, search entries, event stream.
//!
//! All rules run in one snapshot, so an audit can run beside a serving instance. Invariants enforced by constraints are not
//! checked.

mod store;

use std::fmt;

use diesel_async::{AsyncConnection, AsyncPgConnection};

use crate::error::{AppError, AppResult};

/// A violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static str,
    /// The row that violates it.
    pub subject: String,
    /// The actual values.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.rule, self.subject, self.detail)
    }
}

/// Number of rules.
#[must_use]
pub fn rules() -> usize {
    store::rules().count()
}

/// Runs all rules; returns up to 20 findings of each.
pub async fn run(url: &str) -> AppResult<Vec<Finding>> {
    let mut conn = AsyncPgConnection::establish(url).await.map_err(AppError::internal)?;
    let mut snapshot = conn.build_transaction().repeatable_read().read_only();
    Ok(snapshot.run(async |conn| store::find_all(conn).await).await?)
}
