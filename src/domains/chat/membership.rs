//! Who is in a conversation, for the domains that own conversations: opening and closing a member's window.
//!
//! Both take the conversation's row lock first and tell every instance with an event in the same transaction, so that
//! the change has its place among the messages: what is committed after a removal never reaches the removed.

use diesel_async::AsyncPgConnection;

use super::store::members::{self, OpenWindow};
use crate::app::App;
use crate::error::AppResult;
use crate::events::model::{Audience, NewEvent};
use crate::events::{EventKind, outbox};
use crate::ids::{ConversationId, UserId};

/// Makes somebody a member, within the caller's transaction; with `history` they see what was said before.
///
/// # Errors
/// When the database fails.
pub async fn open(
    app: &App,
    conn: &AsyncPgConnection,
    (conversation, user): (ConversationId, UserId),
    history: bool,
) -> AppResult<()> {
    let (last_seq, version) = members::bump_membership(conn, conversation).await?;
    let from_seq = if history { 1 } else { last_seq + 1 };
    let window = OpenWindow { conversation, user, from_seq, version, now: app.clock.now() };
    members::open_window(conn, window).await?;
    tell(conn, conversation, user, version).await
}

/// Ends a membership, within the caller's transaction; false when there was none.
///
/// # Errors
/// When the database fails.
pub async fn close(conn: &AsyncPgConnection, (conversation, user): (ConversationId, UserId)) -> AppResult<bool> {
    let (last_seq, version) = members::bump_membership(conn, conversation).await?;
    let closed = members::close_window(conn, (conversation, user), (last_seq, version)).await?;
    if closed {
        tell(conn, conversation, user, version).await?;
    }
    Ok(closed)
}

/// Tells instances that somebody's window changed.
///
/// # Errors
/// When the database fails.
pub async fn tell(conn: &AsyncPgConnection, conversation: ConversationId, user: UserId, version: i64) -> AppResult<()> {
    let event = NewEvent {
        conversation_id: Some(conversation),
        version: Some(version),
        user_id: Some(user),
        ..NewEvent::new(EventKind::MembershipChanged, Audience::User(user))
    };
    outbox::insert(conn, &[event]).await
}
