//! Connections that the reads of many executions share.
//!
//! Statements of several executions are on their way at once on one connection, so that neither side waits for the other
//! between them, and none of them waits for a connection of its own.
//!
//! Invariants:
//! - What runs here is read-only, short, and outside a transaction: a long statement delays those behind it. Long reads,
//!   and all that mutations do, have a connection of their own.
//! - An execution reads through one connection. With too many on each, the next ones use the pool.
//! - A connection that was closed is replaced in the background when it is next asked for: nothing waits for it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diesel::ConnectionError;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tokio_postgres::NoTls;

use super::session::{SESSION_SETTINGS, StatementCounter};

/// Executions that read through one connection at most.
const READER_LIMIT: usize = 32;

/// As long as a connection of the pool may take.
const OPEN_TIMEOUT: Duration = Duration::from_millis(1500);

/// After an attempt to open one that failed.
const OPEN_DELAY: Duration = Duration::from_millis(200);

/// The shared connections.
pub(super) struct SharedConnections {
    url: Arc<str>,
    statements: StatementCounter,
    places: Vec<SharedPlace>,
}

#[derive(Default)]
struct SharedPlace {
    connection: Mutex<Option<Arc<SharedConnection>>>,
    readers: Arc<AtomicUsize>,
    is_opening: AtomicBool,
}

impl SharedPlace {
    fn connection(&self) -> MutexGuard<'_, Option<Arc<SharedConnection>>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct SharedConnection {
    conn: AsyncPgConnection,
    is_closed: Arc<AtomicBool>,
}

/// One execution's use of a shared connection.
pub(super) struct SharedReader {
    connection: Arc<SharedConnection>,
    readers: Arc<AtomicUsize>,
}

impl SharedReader {
    pub(super) fn connection(&self) -> &AsyncPgConnection {
        &self.connection.conn
    }
}

impl Drop for SharedReader {
    fn drop(&mut self) {
        self.readers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SharedConnections {
    /// Room for so many connections.
    pub(super) fn new(url: Arc<str>, statements: StatementCounter, count: usize) -> Self {
        Self { url, statements, places: (0..count).map(|_| SharedPlace::default()).collect() }
    }

    /// Opens all connections; those that can't be opened are tried again when they are asked for.
    pub(super) async fn open_all(&self) {
        for place in &self.places {
            self.open(place).await;
        }
    }

    /// The connection with the fewest readers; none where all have enough, or it is not open.
    pub(super) fn get(self: &Arc<Self>) -> Option<SharedReader> {
        let least = self.places.iter().enumerate().min_by_key(|(_, place)| place.readers.load(Ordering::Relaxed));
        let (n, place) = least.filter(|(_, place)| place.readers.load(Ordering::Relaxed) < READER_LIMIT)?;
        let open = place.connection().clone().filter(|connection| !connection.is_closed.load(Ordering::Acquire));
        let Some(connection) = open else {
            if !place.is_opening.swap(true, Ordering::AcqRel) {
                tokio::spawn(Arc::clone(self).reopen(n));
            }
            return None;
        };
        place.readers.fetch_add(1, Ordering::Relaxed);
        Some(SharedReader { connection, readers: Arc::clone(&place.readers) })
    }

    async fn reopen(self: Arc<Self>, n: usize) {
        let Some(place) = self.places.get(n) else { return };
        if !self.open(place).await {
            tokio::time::sleep(OPEN_DELAY).await;
        }
        place.is_opening.store(false, Ordering::Release);
    }

    async fn open(&self, place: &SharedPlace) -> bool {
        match tokio::time::timeout(OPEN_TIMEOUT, self.establish()).await {
            Ok(Ok(connection)) => {
                *place.connection() = Some(Arc::new(connection));
                true
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "no shared connection could be opened; reads use the pool");
                false
            }
            Err(_) => false,
        }
    }

    async fn establish(&self) -> Result<SharedConnection, ConnectionError> {
        let refused = |error: tokio_postgres::Error| ConnectionError::BadConnection(error.to_string());
        let (client, driver) = tokio_postgres::connect(&self.url, NoTls).await.map_err(refused)?;
        let is_closed = Arc::<AtomicBool>::default();
        let closed = Arc::clone(&is_closed);
        // Ends with the client, or when the server closes the connection.
        tokio::spawn(async move {
            driver.await.ok();
            closed.store(true, Ordering::Release);
        });
        let mut conn = AsyncPgConnection::try_from(client).await?;
        conn.batch_execute(SESSION_SETTINGS).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        AsyncConnection::set_instrumentation(&mut conn, self.statements.clone());
        Ok(SharedConnection { conn, is_closed })
    }
}
