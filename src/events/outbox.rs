//! Writing events, inside the transaction of the change they tell of.

use diesel_async::AsyncPgConnection;

use super::model::{Audience, EventKind, NewEvent};
use super::store;
use crate::error::AppResult;
use crate::ids::{SessionId, UserId};

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

/// Tells all instances that these sessions ended.
///
/// # Errors
/// When the database fails.
pub async fn insert_session_revoked(conn: &AsyncPgConnection, user: UserId, ended: &[SessionId]) -> AppResult<()> {
    let event = |session: &SessionId| NewEvent {
        subject_id: Some(session.0),
        user_id: Some(user),
        ..NewEvent::new(EventKind::SessionRevoked, Audience::User(user))
    };
    insert(conn, &ended.iter().map(event).collect::<Vec<_>>()).await
}
