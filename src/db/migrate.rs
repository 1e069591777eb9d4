//! Embedded migrations, run under an advisory lock so that concurrent instances migrate once.

use std::time::{Duration, Instant};

use diesel::migration::MigrationSource;
use diesel::result::DatabaseErrorKind;
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::error::{AppError, AppResult};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Key of the advisory lock.
pub const ADVISORY_LOCK: i64 = 0x706c_617a_6101;

/// Short, as other statements on a table queue behind a waiting DDL statement.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// Delay and number of attempts after a lock timeout.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
const ATTEMPT_LIMIT: u32 = 200;

/// Brings the database to this binary's version and returns the names of the migrations that were run.
///
/// Waits for another instance that is migrating, and for tables that are in use. Needs the multi-thread runtime.
///
/// # Errors
/// When the database can't be reached, is unsuitable (not UTF-8, or deaf to Chinese), or a migration fails.
pub async fn run(url: &str) -> AppResult<Vec<String>> {
    let mut conn = AsyncPgConnection::establish(url).await.map_err(AppError::internal)?;
    // A session lock: released with the connection.
    conn.batch_execute(&format!("set lock_timeout = 0; select pg_advisory_lock({ADVISORY_LOCK})")).await?;
    check_database(&mut conn).await?;
    conn.batch_execute(&format!("set lock_timeout = {}", LOCK_TIMEOUT.as_millis())).await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    let mut ran: Vec<String> = Vec::new();
    let mut attempts = 0;
    // One by one, so that each commits and releases its locks before a later one waits.
    while harness.has_pending_migration(MIGRATIONS).map_err(AppError::internal)? {
        let start = Instant::now();
        match harness.run_next_migration(MIGRATIONS) {
            Ok(version) => ran.push(version.to_string()),
            // An earlier failure is not a lock timeout.
            Err(error)
                if start.elapsed() >= LOCK_TIMEOUT && attempts < ATTEMPT_LIMIT && !is_permanent(error.as_ref()) =>
            {
                attempts += 1;
                tracing::warn!(%error, "migration blocked by a lock, retrying");
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            Err(error) => return Err(AppError::internal(error)),
        }
    }
    Ok(ran)
}

/// Whether an error has a known kind; lock timeouts have none in diesel.
fn is_permanent(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| match cause.downcast_ref() {
        Some(diesel::result::Error::DatabaseError(kind, _)) => !matches!(kind, DatabaseErrorKind::Unknown),
        _ => false,
    })
}

/// Reverts every migration; for tests of the migrations themselves.
///
/// # Errors
/// When a migration can't be reverted.
pub async fn revert_all(url: &str) -> AppResult<()> {
    let conn = AsyncPgConnection::establish(url).await.map_err(AppError::internal)?;
    AsyncMigrationHarness::new(conn).revert_all_migrations(MIGRATIONS).map_err(AppError::internal)?;
    Ok(())
}

/// The names of all migrations of this binary, in order.
///
/// # Errors
/// Never, as long as the embedded files are well-formed.
pub fn names() -> AppResult<Vec<String>> {
    let mut names: Vec<String> = MigrationSource::<diesel::pg::Pg>::migrations(&MIGRATIONS)
        .map_err(AppError::internal)?
        .iter()
        .map(|migration| migration.name().to_string())
        .collect();
    names.sort();
    Ok(names)
}

/// Checks that the database can search Chinese text.
///
/// # Errors
/// With instructions for creating a suitable database.
async fn check_database(conn: &mut AsyncPgConnection) -> AppResult<()> {
    let encoding: String =
        diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>("current_setting('server_encoding')"))
            .get_result(conn)
            .await?;
    if encoding != "UTF8" {
        return Err(AppError::internal(format!(
            "the database's encoding is {encoding}, Plaza needs UTF8: create it with \
             CREATE DATABASE plaza ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' LC_COLLATE 'C.UTF-8' TEMPLATE template0"
        )));
    }
    conn.batch_execute("set client_min_messages = warning; create extension if not exists pg_trgm").await?;
    let trigrams: i32 =
        diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("cardinality(show_trgm('充电宝'))"))
            .get_result(conn)
            .await?;
    if trigrams == 0 {
        return Err(AppError::internal(
            "pg_trgm ignores Chinese under this database's locale: create it with \
             CREATE DATABASE plaza ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' LC_COLLATE 'C.UTF-8' TEMPLATE template0",
        ));
    }
    Ok(())
}
