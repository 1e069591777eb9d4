//! One connection per execution: taken when first needed, shared by reads, lent whole to a transaction.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::bb8::PooledConnection;
use tokio::sync::Mutex;

use super::Database;
use crate::error::AppResult;

type Pooled = PooledConnection<'static, AsyncPgConnection>;

/// The connection of one execution. Reads share it, and their statements are pipelined on it.
pub struct Lease {
    database: Database,
    held: Mutex<Option<Arc<Pooled>>>,
}

impl Lease {
    pub(super) fn new(database: Database) -> Self {
        Self { database, held: Mutex::new(None) }
    }

    /// The execution's connection, to read through. It goes back to the pool with the lease.
    ///
    /// # Errors
    /// Overloaded when the pool has none to give within two seconds.
    pub async fn read(&self) -> AppResult<ReadConnection> {
        let mut held = self.held.lock().await;
        if let Some(conn) = held.as_ref() {
            return Ok(ReadConnection(Arc::clone(conn)));
        }
        let conn = Arc::new(self.database.get().await?);
        *held = Some(Arc::clone(&conn));
        Ok(ReadConnection(conn))
    }

    /// Gives the connection back early, before something slow that needs none.
    pub async fn release(&self) {
        self.held.lock().await.take();
    }

    /// A connection for a transaction: the execution's own where nothing reads through it just now.
    ///
    /// # Errors
    /// Overloaded when the pool has none to give within two seconds.
    pub async fn write(&self) -> AppResult<WriteConnection> {
        let own = self.held.lock().await.take().and_then(Arc::into_inner);
        match own {
            Some(conn) => Ok(WriteConnection(conn)),
            None => Ok(WriteConnection(self.database.get().await?)),
        }
    }
}

/// A shared connection; derefs to diesel's, of which a `&` is enough to read.
pub struct ReadConnection(Arc<Pooled>);

impl Deref for ReadConnection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A connection of one's own; back in the pool when dropped, and thrown away if a transaction was left open on it.
pub struct WriteConnection(Pooled);

impl Deref for WriteConnection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for WriteConnection {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
