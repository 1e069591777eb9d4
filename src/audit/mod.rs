//! Looking whether everything adds up: money, stock, states, counts, what is found, the stream.
//!
//! All of it is asked in one snapshot, so that it may be asked at any time, of a database that is being written to. What
//! PostgreSQL itself refuses by a constraint is not asked again.

mod store;

use std::fmt;

use diesel_async::{AsyncConnection, AsyncPgConnection};

use crate::error::{AppError, AppResult};

/// Something that does not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What should hold.
    pub rule: &'static str,
    /// Of what it does not.
    pub subject: String,
    /// How it is instead.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.rule, self.subject, self.detail)
    }
}

/// How many rules there are.
#[must_use]
pub fn rules() -> usize {
    store::rules().count()
}

/// Asks a database all that should hold, and gives what does not: of each rule the first twenty.
///
/// # Errors
/// When the database fails.
pub async fn run(url: &str) -> AppResult<Vec<Finding>> {
    let mut conn = AsyncPgConnection::establish(url).await.map_err(AppError::internal)?;
    let mut snapshot = conn.build_transaction().repeatable_read().read_only();
    Ok(snapshot.run(async |conn| store::find_all(conn).await).await?)
}
