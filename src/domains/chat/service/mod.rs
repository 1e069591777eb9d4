//! Use cases of chat: reading conversations here; messages [`everywhere`], [`send`]ing, [`forward`]ing, [`removal`] of messages,
//! what is [`fetched`], reactions ([`mod@react`]), [`markers`], [`settings`] and [`typing`] apart.

pub mod everywhere;
pub mod fetched;
pub mod find;
pub mod forward;
pub mod markers;
pub mod react;
mod references;
pub mod removal;
pub mod send;
pub mod settings;
pub mod typing;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;

use super::model::{
    ChatError, ConversationCard, ConversationKind, ConversationPlace, ConversationView, Member, Message, MessageCard,
    MessageList, Reaction, Target, UnreadTotals,
};
use super::store::{self, history, members, messages, reactions, unread};
use crate::clock::is_storable;
use crate::db::Lease;
use crate::domains::accounts::model::User;
use crate::domains::chat::model::MembershipWindow;
use crate::error::{AppError, AppResult, ErrorCode, UserError};
use crate::ids::{ConversationId, MessageId, UserId};
use crate::page::{Page, PageRequest};
use crate::scope::Scope;

/// How far the clocks of instances may be apart.
const CLOCK_GRACE: TimeDelta = TimeDelta::minutes(1);

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

/// A page of the viewer's conversations, pinned ones first, then the latest.
///
/// # Errors
/// Unauthenticated without a token; bad input for a cursor that is not the server's.
pub async fn list_conversations(
    scope: &Scope,
    page: &PageRequest<ConversationPlace>,
) -> AppResult<Page<ConversationView>> {
    let viewer = scope.viewer()?;
    if page.cursor.is_some_and(|place| !is_storable(place.last_activity_at)) {
        return Err(AppError::foreign_cursor());
    }
    let conn = scope.db.read().await?;
    let rows = store::list_for_member(&conn, viewer.user_id, page).await?;
    Ok(page.page(rows, ConversationPlace::of))
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

/// What the viewer has not read, in at most `bound` conversations.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count_unread(scope: &Scope, bound: i64) -> AppResult<UnreadTotals> {
    let viewer = scope.viewer()?;
    let conn = scope.db.read_long().await?;
    Ok(unread::count_unread(&conn, viewer.user_id, bound).await?)
}

/// A page of a conversation's messages.
///
/// # Errors
/// When the database fails.
pub async fn list_messages(scope: &Scope, list: &MessageList, page: &PageRequest<i32>) -> AppResult<Page<Message>> {
    let conn = scope.db.read().await?;
    let rows = history::list_messages(&conn, list, page).await?;
    Ok(page.page(rows, |message| message.seq))
}

/// How many messages a list has, counted up to a bound. Costs no statement where nothing is left out: seqs have no gaps.
///
/// # Errors
/// When the database fails.
pub async fn count_messages(scope: &Scope, list: &MessageList, bound: i64) -> AppResult<i64> {
    if list.is_whole() {
        return Ok(list.span().min(bound));
    }
    let conn = scope.db.read_long().await?;
    Ok(history::count_messages(&conn, list, bound).await?)
}

/// Cuts a list to the seqs of its times, so that no message of another time is read but those that clocks disagree on. A
/// statement where there are any.
///
/// # Errors
/// When the database fails.
pub async fn narrow_to_times(scope: &Scope, list: &mut MessageList) -> AppResult<()> {
    if !list.sent.has_times() {
        return Ok(());
    }
    let bounds =
        [list.sent.from.unwrap_or(DateTime::UNIX_EPOCH), list.sent.until.unwrap_or_else(|| scope.app.clock.now())];
    let [earliest, latest] = bounds.map(|time| if is_storable(time) { time } else { DateTime::UNIX_EPOCH });
    let times = [earliest - CLOCK_GRACE, latest + CLOCK_GRACE];
    let seqs = history::list_seqs_at(&*scope.db.read().await?, list, &times).await?;
    if let [from, behind] = seqs[..] {
        list.from_seq = list.from_seq.max(from);
        list.until_seq = list.until_seq.min(behind.saturating_sub(1));
    }
    Ok(())
}

/// A page of the members who have read a message, without those hidden from the viewer.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list_readers(scope: &Scope, message: &Message, page: &PageRequest<UserId>) -> AppResult<Page<User>> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read().await?;
    let rows = members::list_message_readers(&conn, viewer, message, page).await?;
    Ok(page.page(rows, |user| user.id))
}

/// How many they are, up to a bound: a group has no more members than that.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count_readers(scope: &Scope, message: &Message, bound: i64) -> AppResult<i64> {
    let viewer = scope.viewer()?.user_id;
    Ok(members::count_message_readers(&*scope.db.read().await?, viewer, message, bound).await?)
}

/// Deletes what shows a user's files to that user alone, within the transaction of their departure.
///
/// # Errors
/// When the database fails.
pub async fn forget_notes(conn: &AsyncPgConnection, user: UserId, now: DateTime<Utc>) -> AppResult<()> {
    messages::delete_noted_files(conn, user, now).await?;
    Ok(())
}

/// A message that the viewer may see.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_message(scope: &Scope, id: MessageId) -> AppResult<Option<MessageCard>> {
    let viewer = scope.viewer()?;
    let conn = scope.db.read().await?;
    let found = messages::find_visible_message(&conn, id, viewer.user_id).await?;
    Ok(found.map(|(message, sender)| MessageCard {
        message,
        sender: Arc::new(sender),
        conversation: None,
        reactions: None,
    }))
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
    let windows = windows_of(&conn, rows).await?;
    Ok(windows.into_iter().map(|((conversation, _), window)| (conversation, window)).collect())
}

/// The windows of members, without what they deleted for themselves: a statement more where any of them did.
async fn windows_of(
    conn: &AsyncPgConnection,
    members: Vec<Member>,
) -> AppResult<HashMap<(ConversationId, UserId), MembershipWindow>> {
    let hiding = members.iter().filter(|member| member.hidden_count > 0);
    let pairs: Vec<_> = hiding.map(|member| (member.conversation_id, member.user_id)).collect();
    let mut hidden: HashMap<(ConversationId, UserId), HashSet<i32>> = HashMap::new();
    if !pairs.is_empty() {
        for (conversation, user, seq) in store::removal::list_hidden(conn, &pairs).await? {
            hidden.entry((conversation, user)).or_default().insert(seq);
        }
    }
    let window = |member: Member| {
        let key = (member.conversation_id, member.user_id);
        let hidden = hidden.remove(&key).map(Arc::new);
        (key, MembershipWindow { hidden, ..member.window() })
    };
    Ok(members.into_iter().map(window).collect())
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
    windows_of(conn, members::list_at(conn, pairs).await?).await
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
    let mut cards = messages::list_message_cards(conn, ids).await?;
    let reacted: Vec<MessageId> =
        cards.iter().filter(|card| card.message.reaction_count() > 0).map(|card| card.message.id).collect();
    let mut reactions = load_reactions(conn, &reacted).await?;
    for card in &mut cards {
        card.reactions = reactions.remove(&card.message.id);
    }
    Ok(cards.into_iter().map(|card| (card.message.id, Arc::new(card))).collect())
}

/// The reactions to some messages, without those that have none; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_reactions(
    conn: &AsyncPgConnection,
    messages: &[MessageId],
) -> AppResult<HashMap<MessageId, Arc<Vec<Reaction>>>> {
    if messages.is_empty() {
        return Ok(HashMap::new());
    }
    let mut by_message: HashMap<MessageId, Vec<Reaction>> = HashMap::new();
    for (message, reaction) in reactions::list_reactions(conn, messages).await? {
        by_message.entry(message).or_default().push(reaction);
    }
    Ok(by_message.into_iter().map(|(message, reactions)| (message, Arc::new(reactions))).collect())
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
