//! One connection per execution: taken when first needed, shared by reads, lent whole to a transaction, which is run
//! again where PostgreSQL gave it up for another one's sake.
//!
//! An execution that waited for a second connection while it holds a first could deadlock the pool, so both ways to one are
//! shut: a lease gives no second connection while its first is out, and inside an execution only the lease that the
//! execution was given reaches the pool. Either mistake is an internal error at once, not a wait under load.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::pooled_connection::bb8::PooledConnection;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::Database;
use crate::error::{AppError, AppResult};

tokio::task_local! {
    static EXECUTION: ();
}

/// Runs an execution, whose lease was made before: inside, nothing else reaches the pool.
pub async fn within_execution<F: Future>(execution: F) -> F::Output {
    EXECUTION.scope((), execution).await
}

/// Whether an execution runs in this task just now.
pub(super) fn is_within_execution() -> bool {
    EXECUTION.try_with(|()| ()).is_ok()
}

/// A pooled connection, and with it the right of its lease to have one.
struct Leased {
    conn: PooledConnection<'static, AsyncPgConnection>,
    _permit: OwnedSemaphorePermit,
}

/// How often a transaction is run at most.
const ATTEMPT_LIMIT: u32 = 3;

/// The connection of one execution. Reads share it, and their statements are pipelined on it.
pub struct Lease {
    database: Database,
    held: Mutex<Option<Arc<Leased>>>,
    /// One permit: for the one connection.
    one: Arc<Semaphore>,
    /// Made inside an execution, which has its own lease already.
    is_second: bool,
}

impl Lease {
    pub(super) fn new(database: Database) -> Self {
        let one = Arc::new(Semaphore::new(1));
        Self { database, held: Mutex::new(None), one, is_second: is_within_execution() }
    }

    async fn take(&self) -> AppResult<Leased> {
        let permit = Arc::clone(&self.one).try_acquire_owned().ok().filter(|_| !self.is_second);
        let permit = permit.ok_or_else(|| AppError::internal("an execution asks for a second connection"))?;
        Ok(Leased { conn: self.database.check_out().await?, _permit: permit })
    }

    /// The execution's connection, to read through. It goes back to the pool with the lease.
    ///
    /// # Errors
    /// Overloaded when the pool has none to give within two seconds; internal while a transaction has the connection.
    pub async fn read(&self) -> AppResult<ReadConnection> {
        let mut held = self.held.lock().await;
        if let Some(conn) = held.as_ref() {
            return Ok(ReadConnection(Arc::clone(conn)));
        }
        let conn = Arc::new(self.take().await?);
        *held = Some(Arc::clone(&conn));
        Ok(ReadConnection(conn))
    }

    /// Gives the connection back early, before something slow that needs none.
    pub async fn release(&self) {
        self.held.lock().await.take();
    }

    /// The execution's connection, for a transaction.
    ///
    /// # Errors
    /// Overloaded when the pool has none to give within two seconds; internal while something reads through the connection, or
    /// another transaction has it.
    pub async fn write(&self) -> AppResult<WriteConnection> {
        let own = self.held.lock().await.take().and_then(Arc::into_inner);
        match own {
            Some(conn) => Ok(WriteConnection(conn)),
            None => Ok(WriteConnection(self.take().await?)),
        }
    }
}

/// A shared connection; derefs to diesel's, of which a `&` is enough to read.
pub struct ReadConnection(Arc<Leased>);

impl Deref for ReadConnection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &Self::Target {
        &self.0.conn
    }
}

/// A connection of one's own; back in the pool when dropped, and thrown away if a transaction was left open on it.
pub struct WriteConnection(Leased);

impl Deref for WriteConnection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &Self::Target {
        &self.0.conn
    }
}

impl DerefMut for WriteConnection {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0.conn
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

/// As [`Work`], for a closure that only reads what it captures, so that another one can capture it.
pub trait SharedWork<T, R>: Fn(T) -> <Self as SharedWork<T, R>>::Fut {
    /// One run of it.
    type Fut: Future<Output = R>;
}

impl<F, T, Fut, R> SharedWork<T, R> for F
where
    F: Fn(T) -> Fut,
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
        let conn: &mut AsyncPgConnection = &mut self.0.conn;
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
        // diesel has no kind for deadlocks, nor does it tell the code. The message is in the server's language, but each line
        // of the detail names a lock's mode (ShareLock, ExclusiveLock, ..), which PostgreSQL doesn't translate.
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
