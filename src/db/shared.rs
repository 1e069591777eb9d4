//! Connections that the reads of many executions share.
//!
//! Statements of several executions are on their way at once on one connection, so that neither side waits for the other
//! between them, and none of them waits for a connection of its own.
//!
//! Invariants:
//! - What runs here is read-only, short, and outside a transaction: whatever takes long delays what comes behind it. Long
//!   reads, and all that mutations do, have a connection of their own.
//! - An execution reads through one connection. With too many on each, the next ones use the pool.
//! - A connection that was closed is replaced when it is next asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use diesel::ConnectionError;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tokio::sync::Mutex;
use tokio_postgres::NoTls;

use super::session::{SESSION_SETTINGS, StatementCounter};

/// Executions that read through one connection at most.
const READER_LIMIT: usize = 32;

/// As long as a connection of the pool may take.
const OPEN_TIMEOUT: Duration = Duration::from_millis(1500);

/// The shared connections.
pub(super) struct SharedConnections {
    url: Arc<str>,
    statements: StatementCounter,
    places: Vec<SharedPlace>,
}

#[derive(Default)]
struct SharedPlace {
    open: Mutex<Option<Arc<SharedConnection>>>,
    readers: Arc<AtomicUsize>,
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
    /// Room for so many connections; each is opened when first used.
    pub(super) fn new(url: Arc<str>, statements: StatementCounter, count: usize) -> Self {
        Self { url, statements, places: (0..count).map(|_| SharedPlace::default()).collect() }
    }

    /// The connection with the fewest readers; none where all have enough, or it can't be opened.
    pub(super) async fn get(&self) -> Option<SharedReader> {
        let place = self.places.iter().min_by_key(|place| place.readers.load(Ordering::Relaxed))?;
        if place.readers.load(Ordering::Relaxed) >= READER_LIMIT {
            return None;
        }
        // Nothing waits behind another execution that opens it.
        let mut open = place.open.try_lock().ok()?;
        let connection = match open.as_ref().filter(|connection| !connection.is_closed.load(Ordering::Acquire)) {
            Some(connection) => Arc::clone(connection),
            None => Arc::clone(open.insert(self.open().await?)),
        };
        place.readers.fetch_add(1, Ordering::Relaxed);
        Some(SharedReader { connection, readers: Arc::clone(&place.readers) })
    }

    async fn open(&self) -> Option<Arc<SharedConnection>> {
        let opened = tokio::time::timeout(OPEN_TIMEOUT, self.establish()).await.ok()?;
        match opened {
            Ok(connection) => Some(Arc::new(connection)),
            Err(error) => {
                tracing::warn!(%error, "no shared connection could be opened; reads use the pool");
                None
            }
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
