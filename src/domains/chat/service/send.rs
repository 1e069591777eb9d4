//! Sending and editing.

use std::sync::Arc;

use chrono::TimeDelta;
use diesel_async::AsyncPgConnection;

use super::{Seen, find_message};
use crate::db::violated_constraint;
use crate::domains::accounts;
use crate::domains::accounts::model::User;
use crate::domains::chat::model::{ChatError, Content, ConversationCard, Draft, Message, MessageCard, Sent, Target};
use crate::domains::chat::store::send::{self, AppendMessage, EditMessage};
use crate::domains::chat::{membership, policy, store};
use crate::error::{AppError, AppResult};
use crate::ids::{ConversationId, MessageId, UserId};
use crate::rate_limit;
use crate::scope::Scope;

/// How often a write is tried before it is given up.
const TRIES: usize = 8;

/// From this try on the conversation is locked before it is looked at: its members change faster than one can look.
const LOCKED_FROM: usize = 2;

/// What becomes of one try to append.
enum Appended {
    Message(Sent),
    /// Somebody else made the conversation, or changed its members: look again.
    Stale,
}

/// Sends a message. The same `clientMessageId` again gives the same message, whatever has changed since.
///
/// # Errors
/// `INVALID_INPUT`, `MESSAGE_TOO_LARGE`, `NOT_FOUND`, `NOT_MEMBER`, `IDEMPOTENCY_MISMATCH`; `CONFLICT` for one too many to a
/// person who does not answer, `RATE_LIMITED` for too many new conversations.
pub async fn send_message(scope: &Scope, draft: Draft) -> AppResult<Sent> {
    let viewer = scope.viewer()?.user_id;
    policy::check_client_message_id(draft.client_message_id.as_deref())
        .map_err(|error| error.at("input.clientMessageId"))?;
    for attempt in 0..TRIES {
        let conn = scope.db.read().await?;
        // Both at once on one connection: the earlier message, and where this one goes.
        let (earlier, target) =
            futures_util::try_join!(find_earlier(&conn, viewer, &draft), find_target(&conn, viewer, draft.to))?;
        if let Some(earlier) = earlier {
            return repeated(earlier, target.as_ref(), viewer, &draft);
        }
        policy::check_content(&draft.content).map_err(|error| error.at("input.content.text.text"))?;
        let appended = if let Some((card, member)) = target {
            policy::check_sender(&member, card.peer_of(viewer))
                .and_then(|()| policy::check_unanswered(&card.conversation, viewer, most_unanswered(scope)))
                .map_err(|error| error.at(path(draft.to)))?;
            if attempt < LOCKED_FROM {
                append(&conn, viewer, card, &draft, scope).await?
            } else {
                drop(conn);
                append_locked(scope, viewer, card.conversation.id, &draft).await?
            }
        } else {
            drop(conn);
            start_direct(scope, viewer, &draft).await?
        };
        if let Appended::Message(sent) = appended {
            scope.app.events.wake_sequencer();
            return Ok(sent);
        }
    }
    Err(AppError::overloaded())
}

/// How many messages somebody sends to a person who does not answer.
fn most_unanswered(scope: &Scope) -> i32 {
    let rate = scope.app.config.rates.unanswered;
    if rate_limit::applies(&scope.requester, rate) { i32::try_from(rate.most).unwrap_or(i32::MAX) } else { i32::MAX }
}

fn path(target: Target) -> &'static str {
    match target {
        Target::User(_) => "input.to.userId",
        Target::Conversation(_) => "input.to.conversationId",
    }
}

/// A message that was sent before, with its sender and the hash of what was sent.
type Earlier = (Message, User, Option<Vec<u8>>);

/// The message that was sent under this client id before.
async fn find_earlier(conn: &AsyncPgConnection, sender: UserId, draft: &Draft) -> AppResult<Option<Earlier>> {
    let Some(client_id) = &draft.client_message_id else { return Ok(None) };
    Ok(send::find_by_client_id(conn, sender, client_id).await?)
}

/// The message of before, if it is the same: the same content in the same conversation, whichever way that is addressed.
fn repeated(earlier: Earlier, target: Option<&Seen>, sender: UserId, draft: &Draft) -> AppResult<Sent> {
    let (message, user, hash) = earlier;
    let addresses = target.into_iter().flat_map(|(card, _)| {
        let peer = card.peer_of(sender).map(|peer| Target::User(peer.id));
        [Some(Target::Conversation(card.conversation.id)), peer].into_iter().flatten()
    });
    if !addresses.into_iter().any(|address| hash.as_ref() == Some(&policy::input_hash(address, draft))) {
        return Err(ChatError::ClientIdMismatch.at("input.clientMessageId").into());
    }
    let card = MessageCard { message, sender: Arc::new(user), conversation: None };
    Ok(Sent { card: Arc::new(card), deduplicated: true })
}

/// The conversation to send to; none for two people who never talked.
async fn find_target(conn: &AsyncPgConnection, viewer: UserId, target: Target) -> AppResult<Option<Seen>> {
    match target {
        Target::User(peer) => Ok(store::find_direct(conn, viewer, peer).await?),
        Target::Conversation(id) => match store::find_for_member(conn, id, viewer).await? {
            Some(seen) => Ok(Some(seen)),
            None => Err(ChatError::NoSuchConversation.at(path(target)).into()),
        },
    }
}

async fn append(
    conn: &AsyncPgConnection,
    sender: UserId,
    card: ConversationCard,
    draft: &Draft,
    scope: &Scope,
) -> AppResult<Appended> {
    let address = Target::Conversation(card.conversation.id);
    let hash = draft.client_message_id.as_ref().map(|_| policy::input_hash(address, draft));
    let row = AppendMessage {
        conversation: &card.conversation,
        sender,
        content: &draft.content,
        message_type: draft.content.message_type(),
        is_private: draft.is_private,
        client_message_id: draft.client_message_id.as_deref(),
        input_hash: hash.as_deref(),
        most_unanswered: most_unanswered(scope),
        now: scope.app.clock.now(),
    };
    match send::append_message(conn, row).await {
        Ok(Some(found)) => Ok(Appended::Message(sent(found, card))),
        Ok(None) => Ok(Appended::Stale),
        // The same client id at the same moment: the other one was first, and its message is there now.
        Err(error) if violated_constraint(&error) == Some("messages_client_id_key") => Ok(Appended::Stale),
        Err(error) => Err(error.into()),
    }
}

/// Appends under the conversation's lock: nobody comes or goes between the look and the message.
async fn append_locked(scope: &Scope, sender: UserId, id: ConversationId, draft: &Draft) -> AppResult<Appended> {
    let mut conn = scope.db.write().await?;
    conn.transaction(async |conn| {
        let (card, member) =
            find_locked(conn, id, sender).await?.ok_or(ChatError::NoSuchConversation.at(path(draft.to)))?;
        policy::check_sender(&member, card.peer_of(sender))
            .and_then(|()| policy::check_unanswered(&card.conversation, sender, most_unanswered(scope)))
            .map_err(|error| error.at(path(draft.to)))?;
        append(conn, sender, card, draft, scope).await
    })
    .await
}

/// Locks a conversation, and reads it with somebody's membership as they are from then on.
async fn find_locked(conn: &AsyncPgConnection, id: ConversationId, user: UserId) -> AppResult<Option<Seen>> {
    store::lock_conversation(conn, id).await?;
    Ok(store::find_for_member(conn, id, user).await?)
}

fn sent((message, sender): (Message, User), mut card: ConversationCard) -> Sent {
    card.conversation.last_seq = message.seq;
    card.conversation.last_activity_at = message.created_at;
    let card = MessageCard { message, sender: Arc::new(sender), conversation: Some(Arc::new(card)) };
    Sent { card: Arc::new(card), deduplicated: false }
}

/// The first message of two people: the conversation, its members and the message in one transaction.
async fn start_direct(scope: &Scope, viewer: UserId, draft: &Draft) -> AppResult<Appended> {
    let Target::User(peer) = draft.to else { return Ok(Appended::Stale) };
    let mut conn = scope.db.write().await?;
    let pair = (viewer.min(peer), viewer.max(peer));
    let now = scope.app.clock.now();
    let buckets = rate_limit::viewer_buckets(
        &scope.requester,
        "conversations",
        scope.app.config.rates.conversations,
        TimeDelta::days(1),
    )?;
    // A repeated client id ends the transaction; its commit is then a rollback, and nothing was made.
    conn.transaction(async |conn| {
        let known = accounts::service::load_users(conn, &[peer]).await?;
        if known.get(&peer).is_none_or(|user| user.deleted_at.is_some()) {
            return Err(ChatError::NoSuchUser.at(path(draft.to)).into());
        }
        let Some(id) = store::insert_direct(conn, pair, viewer, now).await? else {
            return Ok(Appended::Stale);
        };
        rate_limit::consume(conn, &buckets, now).await?;
        for user in if pair.0 == pair.1 { vec![pair.0] } else { vec![pair.0, pair.1] } {
            membership::tell(conn, id, user, 0).await?;
        }
        let Some((card, _)) = store::find_for_member(conn, id, viewer).await? else { return Ok(Appended::Stale) };
        append(conn, viewer, card, draft, scope).await
    })
    .await
}

/// Replaces the text of one's own message; the others learn of it.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, `NOT_MEMBER`, `EDIT_WINDOW_PASSED`, `INVALID_INPUT`, `MESSAGE_TOO_LARGE`; `RATE_LIMITED` for too
/// many edits while the other one does not answer.
pub async fn edit_message(scope: &Scope, id: MessageId, text: String) -> AppResult<Sent> {
    let viewer = scope.viewer()?.user_id;
    let content = Content::Text { text };
    policy::check_content(&content).map_err(|error| error.at("text"))?;
    for attempt in 0..TRIES {
        let now = scope.app.clock.now();
        let message = find_message(scope, id).await?.ok_or(ChatError::NoSuchMessage.at("id"))?.message;
        policy::check_editor(&message, viewer, now).map_err(|error| error.at("id"))?;
        let conversation = message.conversation_id;
        let replaced = if attempt < LOCKED_FROM {
            let conn = scope.db.read().await?;
            let seen = store::find_for_member(&conn, conversation, viewer).await?;
            replace(scope, &conn, seen, (&message, &content)).await?
        } else {
            let mut conn = scope.db.write().await?;
            conn.transaction(async |conn| {
                let seen = find_locked(conn, conversation, viewer).await?;
                replace(scope, conn, seen, (&message, &content)).await
            })
            .await?
        };
        if let Some(sent) = replaced {
            scope.app.events.wake_sequencer();
            return Ok(sent);
        }
    }
    Err(AppError::overloaded())
}

/// Replaces a message's content; None when the conversation's members, or the message, changed since they were seen. Edits
/// for a person who does not answer are as many a day as messages.
async fn replace(
    scope: &Scope,
    conn: &AsyncPgConnection,
    seen: Option<Seen>,
    (message, content): (&Message, &Content),
) -> AppResult<Option<Sent>> {
    let now = scope.app.clock.now();
    let (card, member) = seen.ok_or(ChatError::NoSuchMessage.at("id"))?;
    policy::check_sender(&member, None).map_err(|error| error.at("id"))?;
    if policy::waits_for_answer(&card.conversation, message.sender_id) {
        let buckets = rate_limit::viewer_buckets(
            &scope.requester,
            "edits",
            scope.app.config.rates.unanswered,
            TimeDelta::days(1),
        )?;
        rate_limit::consume(conn, &buckets, now).await?;
    }
    let edit = EditMessage { message: message.id, conversation: &card.conversation, content, now };
    Ok(send::edit_message(conn, edit).await?.map(|(message, sender)| {
        let card = MessageCard { message, sender: Arc::new(sender), conversation: Some(Arc::new(card)) };
        Sent { card: Arc::new(card), deduplicated: false }
    }))
}
