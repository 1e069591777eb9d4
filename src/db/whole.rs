//! Many use cases as one transaction: all of what they do is there at once, or nothing.

use std::time::Duration;

use diesel_async::{AnsiTransactionManager, AsyncConnection, SimpleAsyncConnection, TransactionManager};

use super::Database;
use crate::error::AppResult;

/// How long one of several that work in it waits for the connection.
const CHECKOUT: Duration = Duration::from_mins(1);

/// A database whose pool is one connection in an open transaction. Transactions in it become savepoints; dropped without
/// [`commit`](Self::commit), or with the process, it leaves nothing.
pub struct WholeTransaction(Database);

impl WholeTransaction {
    /// Begins, and waits for everybody who began with the same lock before; that lock ends with the transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(database: &Database, lock: i64) -> AppResult<Self> {
        let single = Database::connect_patiently(database.url(), None, 1, CHECKOUT).await?;
        let mut conn = single.get().await?;
        // Unlike others, such a transaction doesn't make the pool throw the connection away when it is given back.
        AsyncConnection::begin_test_transaction(&mut *conn).await?;
        // Work between two statements may take longer than a request's.
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

    /// Makes what was done visible.
    ///
    /// # Errors
    /// When the database fails, or refuses what was done.
    pub async fn commit(self) -> AppResult<()> {
        let mut conn = self.0.get().await?;
        Ok(AnsiTransactionManager::commit_transaction(&mut *conn).await?)
    }
}
