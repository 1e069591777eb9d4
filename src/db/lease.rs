//! One connection per execution: taken when first needed, shared by reads, lent whole to a transaction, which is run
//! again where PostgreSQL gave it up for another one's sake.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::pooled_connection::bb8::PooledConnection;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use tokio::sync::Mutex;

use super::Database;
use crate::error::{AppError, AppResult};

type Pooled = PooledConnection<'static, AsyncPgConnection>;

/// How often a transaction is run at most.
const ATTEMPT_LIMIT: u32 = 3;

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

/// What a transaction does: an async closure that can be called again, whose future can move between threads.
pub trait Work<T, R>: FnMut(T) -> <Self as Work<T, R>>::Fut {
    /// One run of it.
    type Fut: Future<Output = R>;
}

impl<F, T, Fut, R> Work<T, R> for F
where
    F: FnMut(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

impl WriteConnection {
    /// Runs `work` in a transaction, and from the beginning again, at most twice, when PostgreSQL ended it because of a
    /// deadlock or because it can't be put in order with others (40P01, 40001). Nothing of a run that failed is left in the
    /// database; `work` changes nothing else.
    ///
    /// # Errors
    /// What `work` or the commit failed with.
    pub async fn transaction<R, F>(&mut self, mut work: F) -> AppResult<R>
    where
        for<'r> F: AsyncFnMut(&'r mut AsyncPgConnection) -> AppResult<R>
            + Work<&'r mut AsyncPgConnection, AppResult<R>, Fut: Send>
            + Send,
        R: Send,
    {
        let conn: &mut AsyncPgConnection = &mut self.0;
        let mut attempt = 1;
        loop {
            match AsyncConnection::transaction(conn, &mut work).await {
                Err(error) if attempt < ATTEMPT_LIMIT && is_retryable(&error) => {
                    tracing::warn!(attempt, error = error.describe(), "transaction retried");
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }
}

/// Whether the same transaction may succeed when it is run again.
fn is_retryable(error: &AppError) -> bool {
    let AppError::Internal(cause) = error else { return false };
    match cause.downcast_ref::<Error>() {
        Some(Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
        // diesel has no kind for deadlocks, nor does it tell the code. The message is in the server's language; in the
        // detail each line names a lock's mode (ShareLock, ExclusiveLock, ..), which is in none.
        Some(Error::DatabaseError(DatabaseErrorKind::Unknown, info)) => info.details().is_some_and(|detail| {
            let mut lines = detail.lines();
            detail.lines().count() > 1 && lines.all(|line| line.contains("Lock"))
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_serialization_is_retried_and_a_violated_constraint_is_not() {
        let failed = |kind| AppError::from(Error::DatabaseError(kind, Box::new("it failed".to_owned())));
        assert!(is_retryable(&failed(DatabaseErrorKind::SerializationFailure)));
        for kind in
            [DatabaseErrorKind::UniqueViolation, DatabaseErrorKind::Unknown, DatabaseErrorKind::ClosedConnection]
        {
            assert!(!is_retryable(&failed(kind)));
        }
        assert!(!is_retryable(&AppError::overloaded()));
    }
}
