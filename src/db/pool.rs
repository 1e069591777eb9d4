//! The connection pool and what every connection of it is set to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::pooled_connection::bb8::{Pool, PooledConnection, RunError};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, PoolableConnection, RecyclingMethod,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Lease;
use super::lease::is_within_execution;
use crate::error::{AppError, AppResult};

/// How long a request waits for a connection before it is refused: so long that one that needs a second one, because
/// PostgreSQL died under the first, has its answer within three seconds.
const CHECKOUT: Duration = Duration::from_millis(1500);

/// Every connection of the pool is told these first. A stuck statement, lock or transaction ends by itself. Statements are
/// short and many: none is worth workers of its own, and what they read lies in memory. Of two words that are one slip
/// apart a fifth of the trigrams are the same, however short they are.
const SESSION_SETTINGS: &str = "set statement_timeout = '20s'; set lock_timeout = '10s'; \
     set idle_in_transaction_session_timeout = '10s'; set timezone = 'UTC'; set jit = off; \
     set max_parallel_workers_per_gather = 0; set random_page_cost = 1.1; set pg_trgm.similarity_threshold = 0.2";

/// The database as Plaza's code sees it; cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    url: Arc<str>,
    listen_url: Arc<str>,
    statements: StatementCounter,
    checkout: Duration,
}

/// How many connections there are, for `/metrics`.
#[derive(Clone, Copy, Debug)]
pub struct PoolStatus {
    /// Open connections.
    pub open: u32,
    /// Those that nobody uses now.
    pub idle: u32,
}

/// Counts the statements sent through the pool, but BEGIN, COMMIT and ROLLBACK.
#[derive(Clone, Debug, Default)]
pub struct StatementCounter(Arc<AtomicI64>);

impl StatementCounter {
    /// Statements so far.
    #[must_use]
    pub fn total(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0)
    }
}

impl Instrumentation for StatementCounter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        // Each of the three that frame a transaction is announced once more as a query.
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                self.0.fetch_add(1, Ordering::Relaxed);
                tracing::trace!(target: "plaza::sql", statement = %query);
            }
            InstrumentationEvent::BeginTransaction { .. }
            | InstrumentationEvent::CommitTransaction { .. }
            | InstrumentationEvent::RollbackTransaction { .. } => {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

impl Database {
    /// Opens a pool of at most `size` connections; `listen_url` is for what can't go through a pooler.
    ///
    /// # Errors
    /// When the first connection can't be made.
    pub async fn connect(url: &str, listen_url: Option<&str>, size: u32) -> AppResult<Self> {
        Self::connect_patiently(url, listen_url, size, CHECKOUT).await
    }

    /// Opens a pool whose users wait so long for a connection.
    pub(super) async fn connect_patiently(
        url: &str,
        listen_url: Option<&str>,
        size: u32,
        checkout: Duration,
    ) -> AppResult<Self> {
        let statements = StatementCounter::default();
        let counter = statements.clone();
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(move |url| establish(url, counter.clone()));
        let manager = AsyncDieselConnectionManager::new_with_config(url, config);
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(checkout)
            .test_on_check_out(false)
            .retry_connection(true)
            .build(manager)
            .await
            .map_err(AppError::internal)?;
        Ok(Self { pool, url: url.into(), listen_url: listen_url.unwrap_or(url).into(), statements, checkout })
    }

    /// Takes a connection, for at most two seconds of waiting: for what runs outside an execution, such as background tasks.
    ///
    /// # Errors
    /// Overloaded when none came free, internal when PostgreSQL can't be reached, and inside an execution, which has its
    /// [`Lease`].
    pub async fn get(&self) -> AppResult<PooledConnection<'static, AsyncPgConnection>> {
        if is_within_execution() {
            return Err(AppError::internal("an execution takes a connection past its lease"));
        }
        self.check_out().await
    }

    /// As [`Database::get`], for a lease.
    pub(super) async fn check_out(&self) -> AppResult<PooledConnection<'static, AsyncPgConnection>> {
        let take = async {
            loop {
                let mut conn = self.pool.get_owned().await.map_err(|error| match error {
                    RunError::TimedOut => AppError::overloaded(),
                    RunError::User(error) => AppError::internal(error),
                })?;
                // One that PostgreSQL closed while it lay idle; the pool throws it away and makes another in its place.
                if !conn.is_broken() {
                    return Ok(conn);
                }
            }
        };
        // However many were broken: whoever waits is told in time.
        tokio::time::timeout(self.checkout, take).await.unwrap_or_else(|_| Err(AppError::overloaded()))
    }

    /// The lazily taken connection of one execution.
    #[must_use]
    pub fn lease(&self) -> Lease {
        Lease::new(self.clone())
    }

    /// Where the pool connects to.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where LISTEN, NOTIFY and the sequencer connect to: never through a pooler.
    #[must_use]
    pub fn listen_url(&self) -> &str {
        &self.listen_url
    }

    /// The count of statements sent through the pool.
    #[must_use]
    pub fn statements(&self) -> &StatementCounter {
        &self.statements
    }

    /// The state of the pool.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let state = self.pool.state();
        PoolStatus { open: state.connections, idle: state.idle_connections }
    }
}

fn establish(url: &str, counter: StatementCounter) -> BoxFuture<'_, ConnectionResult<AsyncPgConnection>> {
    async move {
        let mut conn = AsyncPgConnection::establish(url).await?;
        conn.batch_execute(SESSION_SETTINGS).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        AsyncConnection::set_instrumentation(&mut conn, counter);
        Ok(conn)
    }
    .boxed()
}
