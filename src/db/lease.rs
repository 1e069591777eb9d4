//! One connection per execution: checked out on first use, shared by reads, exclusive for a transaction, which is retried
//! after deadlocks and serialization failures.
//!
//! An execution that waits for a second connection while it holds one could deadlock the pool. So a lease gives out one
//! connection at a time, and inside an execution only its own lease reaches the pool. Violations are internal errors at
//! once, instead of waits under load. A lease waits for the pool in vain only once: the fields of a response would wait one
//! after the other otherwise.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::pooled_connection::bb8::PooledConnection;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::Database;
use super::shared::SharedReader;
use crate::attempt;
use crate::error::{AppError, AppResult};

tokio::task_local! {
    static EXECUTION: ();
}

/// Runs an execution, whose lease was created before; inside, only that lease reaches the pool.
pub async fn within_execution<F: Future>(execution: F) -> F::Output {
    EXECUTION.scope((), execution).await
}

/// Whether this task is inside an execution.
pub(super) fn is_within_execution() -> bool {
    EXECUTION.try_with(|()| ()).is_ok()
}

/// A pooled connection with the permit of its lease.
struct LeasedConnection {
    conn: PooledConnection<'static, AsyncPgConnection>,
    _permit: OwnedSemaphorePermit,
}

/// Attempts of a transaction.
const ATTEMPT_LIMIT: u32 = 3;

/// The connection of one execution; reads share it and pipeline their statements.
pub struct Lease {
    database: Database,
    held: Mutex<Option<ReadConnection>>,
    /// Short reads use a connection that other executions use as well.
    shares: bool,
    /// The permit for the connection.
    one: Arc<Semaphore>,
    /// Created inside an execution, which has its own lease.
    is_second: bool,
    /// A checkout timed out.
    timed_out: AtomicBool,
}

impl Lease {
    pub(super) fn new(database: Database, shares: bool) -> Self {
        let one = Arc::new(Semaphore::new(1));
        let is_second = is_within_execution();
        Self { database, held: Mutex::new(None), shares, one, is_second, timed_out: AtomicBool::new(false) }
    }

    async fn take(&self) -> AppResult<LeasedConnection> {
        let permit = Arc::clone(&self.one).try_acquire_owned().ok().filter(|_| !self.is_second);
        let permit = permit.ok_or_else(second)?;
        if self.timed_out.load(Ordering::Relaxed) {
            return Err(AppError::overloaded());
        }
        let checkout = self.database.check_out().await;
        self.timed_out.store(checkout.is_err(), Ordering::Relaxed);
        Ok(LeasedConnection { conn: checkout?, _permit: permit })
    }

    /// The connection, shared for reads; returned to the pool with the lease.
    ///
    /// # Errors
    /// Overloaded when the pool has none to give within two seconds; internal while a transaction has the connection.
    pub async fn read(&self) -> AppResult<ReadConnection> {
        self.read_through(self.shares).await
    }

    /// As [`Lease::read`], for what may take long: on a connection that no other execution uses.
    ///
    /// # Errors
    /// As [`Lease::read`].
    pub async fn read_long(&self) -> AppResult<ReadConnection> {
        self.read_through(false).await
    }

    async fn read_through(&self, may_share: bool) -> AppResult<ReadConnection> {
        attempt::stop_before_io().await;
        let mut held = self.held.lock().await;
        let usable = held.as_ref().filter(|conn| may_share || conn.is_own());
        if let Some(conn) = usable {
            return Ok(conn.clone());
        }
        if self.is_second || self.one.available_permits() == 0 {
            return Err(second());
        }
        let shared = if may_share { self.database.shared().get() } else { None };
        let conn = match shared {
            Some(reader) => ReadConnection::Shared(Arc::new(reader)),
            None => ReadConnection::Own(Arc::new(self.take().await?)),
        };
        *held = Some(conn.clone());
        Ok(conn)
    }

    /// Returns the connection early, before slow work without statements.
    pub async fn release(&self) {
        attempt::stop_before_io().await;
        self.held.lock().await.take();
    }

    /// The connection, exclusively, for a transaction.
    ///
    /// # Errors
    /// Overloaded when the pool has none to give within two seconds; internal while something reads through the connection, or
    /// another transaction has it.
    pub async fn write(&self) -> AppResult<WriteConnection> {
        attempt::stop_before_io().await;
        let held = self.held.lock().await.take();
        let own = match held {
            Some(ReadConnection::Own(conn)) => Arc::into_inner(conn),
            Some(ReadConnection::Shared(reader)) => {
                Arc::into_inner(reader).ok_or_else(second)?;
                None
            }
            None => None,
        };
        match own {
            Some(conn) => Ok(WriteConnection(conn)),
            None => Ok(WriteConnection(self.take().await?)),
        }
    }
}

fn second() -> AppError {
    AppError::internal("an execution asks for a second connection")
}

/// A shared connection; derefs to diesel's.
#[derive(Clone)]
pub enum ReadConnection {
    /// Shared by the reads of this execution.
    #[expect(private_interfaces, reason = "made here alone")]
    Own(Arc<LeasedConnection>),
    /// Shared with other executions.
    #[expect(private_interfaces, reason = "made here alone")]
    Shared(Arc<SharedReader>),
}

impl ReadConnection {
    fn is_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }
}

impl Deref for ReadConnection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Own(leased) => &leased.conn,
            Self::Shared(reader) => reader.connection(),
        }
    }
}

/// An exclusive connection; returned to the pool on drop, discarded with an open transaction.
pub struct WriteConnection(LeasedConnection);

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

/// The body of a transaction: a repeatable async closure with a `Send` future.
pub trait TransactionWork<T, R>: FnMut(T) -> <Self as TransactionWork<T, R>>::Fut {
    /// The future of one attempt.
    type Fut: Future<Output = R>;
}

impl<F, T, Fut, R> TransactionWork<T, R> for F
where
    F: FnMut(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

impl WriteConnection {
    /// Runs `work` in a transaction; retried up to twice after a deadlock or serialization failure (40P01, 40001). `work`
    /// must have no effects outside the database.
    pub async fn transaction<R, F>(&mut self, mut work: F) -> AppResult<R>
    where
        for<'r> F: AsyncFnMut(&'r mut AsyncPgConnection) -> AppResult<R>
            + TransactionWork<&'r mut AsyncPgConnection, AppResult<R>, Fut: Send>
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

/// Whether a retry of the transaction may succeed.
fn is_retryable(error: &AppError) -> bool {
    let AppError::Internal(cause) = error else { return false };
    match cause.downcast_ref::<Error>() {
        Some(Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
        // diesel exposes neither a kind for deadlocks nor the SQLSTATE. The message is localised, but each line of the detail
        // names a lock mode (ShareLock, ...), which is not.
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
