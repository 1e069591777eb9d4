//! Use cases of chat: reading conversations here, [`send`]ing and [`markers`] apart.

pub mod markers;
pub mod send;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;

use super::model::{
    ChatError, ConversationCard, ConversationKind, ConversationView, Member, Message, MessageCard, Target,
};
use super::store::{self, members, messages};
use crate::clock::is_storable;
use crate::db::Lease;
use crate::domains::chat::model::MembershipWindow;
use crate::error::{AppError, AppResult, ErrorCode, UserError};
use crate::ids::{ConversationId, MessageId, UserId};
use crate::page::{Page, PageRequest};
use crate::scope::Scope;

/// A conversation that the viewer is or was a member of.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_conversation(scope: &Scope, id: ConversationId) -> AppResult<Option<ConversationView>> {
    let viewer = scope.viewer()?;
    let conn = scope.db.read().await?;
    Ok(store::find_for_member(&conn, id, viewer.user_id).await?)
}

/// The viewer's direct conversation with a user, if they ever talked.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_conversation_with(scope: &Scope, peer: UserId) -> AppResult<Option<ConversationView>> {
    let viewer = scope.viewer()?;
    let conn = scope.db.read().await?;
    Ok(store::find_direct(&conn, viewer.user_id, peer).await?)
}

/// The conversation that a marker is for.
///
/// # Errors
/// `NOT_FOUND` when there is none that the viewer is or was a member of.
pub(super) async fn get_target(scope: &Scope, target: Target) -> AppResult<ConversationView> {
    let (found, missing) = match target {
        Target::User(peer) => {
            (find_conversation_with(scope, peer).await?, ChatError::NoSuchConversation.at("to.userId"))
        }
        Target::Conversation(id) => {
            (find_conversation(scope, id).await?, ChatError::NoSuchConversation.at("to.conversationId"))
        }
        Target::Group(id) => {
            let found = find_conversation(scope, id.conversation()).await?;
            let found = found.filter(|view| view.card.conversation.kind == ConversationKind::Group);
            (found, ChatError::NoSuchConversation.at("to.groupId"))
        }
    };
    found.ok_or_else(|| missing.into())
}

/// A page of the viewer's conversations, the latest first.
///
/// # Errors
/// Unauthenticated without a token; bad input for a cursor that is not the server's.
pub async fn list_conversations(
    scope: &Scope,
    page: &PageRequest<(DateTime<Utc>, ConversationId)>,
) -> AppResult<Page<ConversationView>> {
    let viewer = scope.viewer()?;
    if page.cursor.is_some_and(|(at, _)| !is_storable(at)) {
        return Err(AppError::bad_input("A cursor is not one of this list's."));
    }
    let conn = scope.db.read().await?;
    let rows = store::list_for_member(&conn, viewer.user_id, page).await?;
    Ok(page.page(rows, |view| (view.card.conversation.last_activity_at, view.card.conversation.id)))
}

/// How many conversations the viewer has, counted up to a bound.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count_conversations(scope: &Scope, bound: i64) -> AppResult<i64> {
    let viewer = scope.viewer()?;
    let conn = scope.db.read_long().await?;
    Ok(store::count_for_member(&conn, viewer.user_id, bound).await?)
}

/// A page of a conversation's messages, as far as the member may see them.
///
/// # Errors
/// When the database fails.
pub async fn list_messages(
    scope: &Scope,
    conversation: ConversationId,
    last_seq: i32,
    member: &Member,
    page: &PageRequest<i32>,
) -> AppResult<Page<Message>> {
    let conn = scope.db.read().await?;
    let until = member.last_visible(last_seq);
    let rows = messages::list_messages(&conn, conversation, member.from_seq, until, page).await?;
    Ok(page.page(rows, |message| message.seq))
}

/// A message that the viewer may see.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_message(scope: &Scope, id: MessageId) -> AppResult<Option<MessageCard>> {
    let viewer = scope.viewer()?;
    let conn = scope.db.read().await?;
    let found = messages::find_visible_message(&conn, id, viewer.user_id).await?;
    Ok(found.map(|(message, sender)| MessageCard { message, sender: Arc::new(sender), conversation: None }))
}

/// Refuses a subscription to a conversation that the person neither is nor was a member of.
///
/// # Errors
/// Forbidden, in words that don't tell whether the conversation exists.
pub async fn check_may_follow(lease: &Lease, user: UserId, conversation: ConversationId) -> AppResult<()> {
    let conn = lease.read().await?;
    if members::list_at(&conn, &[(conversation, user)]).await?.is_empty() {
        let UserError { message, .. } = ChatError::NoSuchConversation.at("");
        return Err(crate::error::AppError::Request(ErrorCode::Forbidden, message));
    }
    Ok(())
}

/// A user's window in each of their conversations, past ones included.
///
/// # Errors
/// When the database fails.
pub async fn list_windows(lease: &Lease, user: UserId) -> AppResult<Vec<(ConversationId, MembershipWindow)>> {
    let conn = lease.read().await?;
    let rows = members::list_of_user(&conn, user).await?;
    Ok(rows.into_iter().map(|member| (member.conversation_id, member.window())).collect())
}

/// The memberships of some people in some conversations, past ones included; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_members(conn: &AsyncPgConnection, pairs: &[(ConversationId, UserId)]) -> AppResult<Vec<Member>> {
    if pairs.is_empty() { Ok(Vec::new()) } else { Ok(members::list_at(conn, pairs).await?) }
}

/// What some people may see of some conversations; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_windows(
    conn: &AsyncPgConnection,
    pairs: &[(ConversationId, UserId)],
) -> AppResult<HashMap<(ConversationId, UserId), MembershipWindow>> {
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = members::list_at(conn, pairs).await?;
    Ok(rows.into_iter().map(|member| ((member.conversation_id, member.user_id), member.window())).collect())
}

/// Messages with sender and conversation, by id; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_message_cards(
    conn: &AsyncPgConnection,
    ids: &[MessageId],
) -> AppResult<HashMap<MessageId, Arc<MessageCard>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let cards = messages::list_message_cards(conn, ids).await?;
    Ok(cards.into_iter().map(|card| (card.message.id, Arc::new(card))).collect())
}

/// Conversations with their people, by id; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_conversation_cards(
    conn: &AsyncPgConnection,
    ids: &[ConversationId],
) -> AppResult<HashMap<ConversationId, Arc<ConversationCard>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let cards = store::list_cards(conn, ids).await?;
    Ok(cards.into_iter().map(|card| (card.conversation.id, Arc::new(card))).collect())
}
