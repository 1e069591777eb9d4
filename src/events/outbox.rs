//! Writing events, inside the transaction of the change they tell of.

use diesel_async::AsyncPgConnection;

use super::model::NewEvent;
use super::store;
use crate::error::AppResult;

/// Adds events to the outbox. Whoever tells of a conversation holds its row lock.
///
/// # Errors
/// When the database fails.
pub async fn insert(conn: &AsyncPgConnection, events: &[NewEvent]) -> AppResult<()> {
    if !events.is_empty() {
        store::insert_outbox(conn, events).await?;
    }
    Ok(())
}
