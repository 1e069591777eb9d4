//! The connection pool and its session settings.

use std::sync::Arc;
use std::time::Duration;

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
use super::session::{SESSION_SETTINGS, StatementCounter};
use super::shared::SharedConnections;
use crate::error::{AppError, AppResult};

/// Checkout timeout, which an execution waits for at most once.
const CHECKOUT_TIMEOUT: Duration = Duration::from_millis(1500);

/// One connection of so many is shared by reads.
const SHARED_PART: u32 = 4;

/// Handle of the database; cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    url: Arc<str>,
    listen_url: Arc<str>,
    statements: StatementCounter,
    checkout_timeout: Duration,
    shared: Arc<SharedConnections>,
}

/// Pool gauges for `/metrics`.
#[derive(Clone, Copy, Debug)]
pub struct PoolStatus {
    /// Open connections.
    pub open: u32,
    /// Idle connections.
    pub idle: u32,
}

impl Database {
    /// Opens a pool, and connections that reads share, of at most `size` together; `listen_url` is for what can't go through a pooler.
    ///
    /// # Errors
    /// When the first connection can't be made.
    pub async fn connect(url: &str, listen_url: Option<&str>, size: u32) -> AppResult<Self> {
        Self::connect_with_timeout(url, listen_url, size, CHECKOUT_TIMEOUT).await
    }

    /// [`Database::connect`] with another checkout timeout.
    pub(super) async fn connect_with_timeout(
        url: &str,
        listen_url: Option<&str>,
        size: u32,
        checkout_timeout: Duration,
    ) -> AppResult<Self> {
        let statements = StatementCounter::default();
        let counter = statements.clone();
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(move |url| establish(url, counter.clone()));
        let manager = AsyncDieselConnectionManager::new_with_config(url, config);
        let shared = size / SHARED_PART;
        let pool = Pool::builder()
            .max_size(size - shared)
            .min_idle(Some(1))
            .connection_timeout(checkout_timeout)
            .test_on_check_out(false)
            .retry_connection(true)
            .build(manager)
            .await
            .map_err(AppError::internal)?;
        let (url, listen_url) = (Arc::from(url), Arc::from(listen_url.unwrap_or(url)));
        let shared = usize::try_from(shared).map_err(AppError::internal)?;
        let shared = Arc::new(SharedConnections::new(Arc::clone(&url), statements.clone(), shared));
        shared.open_all().await;
        Ok(Self { pool, url, listen_url, statements, checkout_timeout, shared })
    }

    /// Checks out a connection outside of executions, such as for background tasks.
    ///
    /// # Errors
    /// Overloaded at the checkout timeout; internal if PostgreSQL is unreachable, and inside an execution, which has a
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
                // Closed by PostgreSQL while idle; the pool replaces it.
                if !conn.is_broken() {
                    return Ok(conn);
                }
            }
        };
        // One timeout for all attempts.
        tokio::time::timeout(self.checkout_timeout, take).await.unwrap_or_else(|_| Err(AppError::overloaded()))
    }

    /// The lease of one execution.
    #[must_use]
    pub fn lease(&self) -> Lease {
        Lease::new(self.clone(), false)
    }

    /// The lease of an execution that writes nothing: its short reads share connections with those of others.
    #[must_use]
    pub fn reading_lease(&self) -> Lease {
        Lease::new(self.clone(), true)
    }

    /// The connections that reads share.
    pub(super) fn shared(&self) -> &Arc<SharedConnections> {
        &self.shared
    }

    /// Connection string of the pool.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Connection string of LISTEN, NOTIFY and the sequencer, without a pooler.
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
