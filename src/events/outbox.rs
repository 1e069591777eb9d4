//! Writing events, inside the transaction of the change they tell of.

use diesel_async::AsyncPgConnection;

use super::model::NewEvent;
use super::store;
use crate::error::AppResult;

/// Records events. Events of a conversation's topic are recorded under that conversation's row lock.
///
/// # Errors
/// When the database fails.
pub async fn record_events(conn: &AsyncPgConnection, events: &[NewEvent]) -> AppResult<()> {
    if !events.is_empty() {
        store::insert_outbox(conn, events).await?;
    }
    Ok(())
}
