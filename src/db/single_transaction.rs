//! Runs several use cases in a single transaction.

use std::time::Duration;

use diesel_async::{AnsiTransactionManager, AsyncConnection, SimpleAsyncConnection, TransactionManager};

use super::Database;
use crate::error::AppResult;

/// Checkout timeout of concurrent use cases, which share the connection.
const CHECKOUT_TIMEOUT: Duration = Duration::from_mins(1);

/// A database whose pool is one connection in an open transaction. Transactions in it become savepoints; dropped without
/// [`commit`](Self::commit), or with the process, it leaves nothing.
pub struct SingleTransaction(Database);

impl SingleTransaction {
    /// Begins a transaction and takes an advisory lock, held to its end.
    pub async fn begin(database: &Database, lock: i64) -> AppResult<Self> {
        let single = Database::connect_with_timeout(database.url(), None, 1, CHECKOUT_TIMEOUT).await?;
        let mut conn = single.get().await?;
        // The pool does not discard a connection with an open test transaction.
        AsyncConnection::begin_test_transaction(&mut *conn).await?;
        // Work between statements may be long.
        let settings = "set local lock_timeout = 0; set local statement_timeout = 0; \
             set local idle_in_transaction_session_timeout = 0";
        conn.batch_execute(&format!("{settings}; select pg_advisory_xact_lock({lock})")).await?;
        drop(conn);
        Ok(Self(single))
    }

    /// The database to work on.
    #[must_use]
    pub fn database(&self) -> Database {
        self.0.clone()
    }

    /// Commits.
    pub async fn commit(self) -> AppResult<()> {
        let mut conn = self.0.get().await?;
        Ok(AnsiTransactionManager::commit_transaction(&mut *conn).await?)
    }
}
