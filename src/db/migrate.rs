//! Migrations: embedded in the binary, run under an advisory lock, so that instances starting together migrate once.

use std::time::{Duration, Instant};

use diesel::migration::MigrationSource;
use diesel::result::DatabaseErrorKind;
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::error::{AppError, AppResult};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The lock that a migration holds: a number that nothing else locks.
pub const LOCK: i64 = 0x706c_617a_6101;

/// How long a migration waits for a lock: behind a change of a table that waits, all who use the table wait as well.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the others go first, before a migration that found its table in use is tried again, and how often it is.
const PAUSE: Duration = Duration::from_secs(2);
const TRIES: u32 = 200;

/// Brings the database to this binary's version and returns the names of the migrations that were run.
///
/// Waits for another instance that is migrating, and for tables that are in use. Needs the multi-thread runtime.
///
/// # Errors
/// When the database can't be reached, is unsuitable (not UTF-8, or deaf to Chinese), or a migration fails.
pub async fn run(url: &str) -> AppResult<Vec<String>> {
    let mut conn = AsyncPgConnection::establish(url).await.map_err(AppError::internal)?;
    // The lock is the session's: it goes away with the connection, however this ends.
    conn.batch_execute(&format!("set lock_timeout = 0; select pg_advisory_lock({LOCK})")).await?;
    check_database(&mut conn).await?;
    conn.batch_execute(&format!("set lock_timeout = {}", LOCK_TIMEOUT.as_millis())).await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    let mut ran: Vec<String> = Vec::new();
    let mut tries = 0;
    // One by one: what was run stays, and gives its locks back, when a later one has to wait.
    while harness.has_pending_migration(MIGRATIONS).map_err(AppError::internal)? {
        let start = Instant::now();
        match harness.run_next_migration(MIGRATIONS) {
            Ok(version) => ran.push(version.to_string()),
            // A migration that fails sooner did not wait for a lock.
            Err(error) if start.elapsed() >= LOCK_TIMEOUT && tries < TRIES && !is_final(error.as_ref()) => {
                tries += 1;
                tracing::warn!(%error, "a migration waits for a table that is in use; trying again");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(AppError::internal(error)),
        }
    }
    Ok(ran)
}

/// Whether an error is about what is in the database: a lock that was not given has no kind of its own.
fn is_final(error: &(dyn std::error::Error + 'static)) -> bool {
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

/// Refuses a database in which Chinese text could not be searched.
///
/// # Errors
/// With a sentence that says what is wrong and how to make a database that is right.
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
