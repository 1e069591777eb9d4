//! Writing events, inside the transaction of the change they tell of.

use diesel_async::AsyncPgConnection;

use super::model::{EventKind, NewEvent};
use super::store;
use super::topic::Topic;
use crate::error::AppResult;
use crate::ids::{SessionId, UserId};

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

/// Tells all instances that these sessions ended.
///
/// # Errors
/// When the database fails.
pub async fn record_revoked_sessions(conn: &AsyncPgConnection, user: UserId, ended: &[SessionId]) -> AppResult<()> {
    let event = |session: &SessionId| NewEvent {
        subject_id: Some(session.0),
        user_id: Some(user),
        ..NewEvent::new(EventKind::SessionRevoked, Topic::user(user))
    };
    record_events(conn, &ended.iter().map(event).collect::<Vec<_>>()).await
}

/// Tells all instances that what decides a person's topics has changed: their role, or what they manage.
///
/// # Errors
/// When the database fails.
pub async fn record_changed_topics(conn: &AsyncPgConnection, user: UserId) -> AppResult<()> {
    let event = NewEvent { user_id: Some(user), ..NewEvent::new(EventKind::TopicsChanged, Topic::user(user)) };
    record_events(conn, &[event]).await
}
