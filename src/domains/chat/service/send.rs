//! Sending and editing.

use std::sync::Arc;

use chrono::TimeDelta;
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::AsyncPgConnection;

use super::{find_message, references};
use crate::app::App;
use crate::db::violated_constraint;
use crate::domains::accounts::model::User;
use crate::domains::chat::model::{
    Appended, ChatError, Content, ConversationCard, ConversationView, Draft, Message, MessageStatus, NewMessage,
    ReplyTarget, SendMessage, SentMessage, Target, TargetView,
};
use crate::domains::chat::store::send::{self, AppendMessage, EditMessage};
use crate::domains::chat::{membership, policy, store};
use crate::domains::{accounts, relations};
use crate::error::{AppError, AppResult};
use crate::ids::{ConversationId, MessageId, UserId};
use crate::rate_limit;
use crate::scope::Scope;

/// How often a write is tried before it is given up.
const TRY_LIMIT: usize = 8;

/// From this try on the conversation is locked before it is looked at: its members change faster than one can look.
const LOCKED_FROM: usize = 2;

/// What becomes of one try to append.
enum Tried {
    Sent(SentMessage),
    /// Another request made the conversation, or changed its members: look again.
    Stale,
}

/// Sends a message. The same `clientMessageId` again gives the same message, even if it was edited or the viewer has left since.
///
/// # Errors
/// `INVALID_INPUT`, `MESSAGE_TOO_LARGE`, `NOT_FOUND`, `NOT_MEMBER`, `IDEMPOTENCY_MISMATCH`, `FILE_TYPE_NOT_ALLOWED`, `TOO_LONG`,
/// `REQUIRED`; `CONFLICT` for one too many to a person who does not answer, `RATE_LIMITED` for too many new conversations.
pub async fn send_message(scope: &Scope, draft: Draft) -> AppResult<SentMessage> {
    let viewer = scope.viewer()?.user_id;
    let message = policy::check_draft(draft)?;
    // What is refused may have been sent before, when the file or the message that it refers to was there.
    let refers = if message.has_references() {
        // Apart, for few messages do: the others would carry its state along.
        Box::pin(references::check(scope, &message)).await
    } else {
        Ok(None)
    };
    if refers.is_ok()
        && let Some(sent) = append_in_batch(scope, viewer, &message).await?
    {
        return Ok(sent);
    }
    for attempt in 0..TRY_LIMIT {
        let (earlier, target) = look_up(scope, viewer, &message).await?;
        if let Some(earlier) = earlier {
            return repeated(earlier, target.as_ref(), viewer, &message);
        }
        let reply = refers.clone()?;
        let tried = match target {
            Some(target) if attempt < LOCKED_FROM => {
                append(scope, &*scope.db.read().await?, target, &message, reply).await?
            }
            Some(target) => append_locked(scope, viewer, target.view.card.conversation.id, &message, reply).await?,
            None => start_direct(scope, viewer, &message, reply).await?,
        };
        if let Tried::Sent(sent) = tried {
            scope.publish_recorded();
            return Ok(sent);
        }
    }
    Err(AppError::overloaded())
}

/// Appends a message together with those of other requests, as nearly all are sent. None where that does not do: for a
/// repeated client id, a first message, one with rare parts, a refusal, or a conversation that is locked, which the ways below look at.
async fn append_in_batch(scope: &Scope, sender: UserId, message: &SendMessage) -> AppResult<Option<SentMessage>> {
    let conversation = match message.to {
        Target::Conversation(id) => id,
        Target::Group(id) => id.conversation(),
        Target::User(_) => return Ok(None),
    };
    if message.has_rare_parts() {
        return Ok(None);
    }
    let SendMessage { content, is_private, client_id, .. } = message;
    let new = NewMessage {
        conversation,
        sender,
        content: content.clone(),
        is_private: *is_private,
        client_message_id: client_id.as_ref().map(|client_id| client_id.id.clone()),
        input_hash: client_id.as_ref().map(|client_id| client_id.input_hash(message.to)),
        most_unanswered: most_unanswered(scope),
    };
    let app = Arc::clone(&scope.app);
    let appended =
        scope.app.sends.run(new, &scope.app.tracker, move |batch| append_batch(Arc::clone(&app), batch)).await?;
    Ok(appended.map(|Appended { id, seq, at }| {
        let message = Message {
            id,
            conversation_id: conversation,
            seq,
            sender_id: sender,
            type_: content.message_type(),
            content: Some(content.clone()),
            is_private: *is_private,
            status: MessageStatus::Normal,
            client_message_id: client_id.as_ref().map(|client_id| client_id.id.clone()),
            marks: None,
            created_at: at,
            updated_at: at,
        };
        SentMessage { message, sender: None, conversation: None, deduplicated: false }
    }))
}

/// Appends a batch in one statement. When PostgreSQL refuses it, as for a client id that was used at the same moment, each
/// message is looked at alone.
async fn append_batch(app: Arc<App>, batch: Vec<NewMessage>) -> AppResult<Vec<Option<Appended>>> {
    let (size, at) = (batch.len(), app.clock.now());
    let conn = app.database.get().await?;
    let appended = match send::append_messages(&conn, batch, at).await {
        Err(Error::DatabaseError(kind, cause)) if !matches!(kind, DatabaseErrorKind::ClosedConnection) => {
            tracing::debug!(cause = cause.message(), size, "messages are appended one by one");
            vec![None; size]
        }
        appended => appended?,
    };
    app.events.wake_sequencer();
    Ok(appended.into_iter().map(|place| place.map(|(id, seq)| Appended { id, seq, at })).collect())
}

/// The earlier message of this client id, and where this one goes: both at once on one connection.
async fn look_up(
    scope: &Scope,
    viewer: UserId,
    message: &SendMessage,
) -> AppResult<(Option<Earlier>, Option<TargetView>)> {
    let conn = scope.db.read().await?;
    futures_util::try_join!(find_earlier(&conn, viewer, message), find_target(&conn, viewer, message.to))
}

/// How many messages one sends to a person who does not answer.
pub(super) fn most_unanswered(scope: &Scope) -> i32 {
    let rate = scope.app.config.rates.unanswered;
    if rate_limit::applies(scope.requester(), rate) { i32::try_from(rate.most).unwrap_or(i32::MAX) } else { i32::MAX }
}

fn path(target: Target) -> &'static str {
    match target {
        Target::User(_) => "input.to.userId",
        Target::Conversation(_) => "input.to.conversationId",
        Target::Group(_) => "input.to.groupId",
    }
}

/// A message that was sent before, with its sender and the hash of what was sent.
type Earlier = (Message, User, Option<Vec<u8>>);

/// The message that was sent under this client id before.
async fn find_earlier(conn: &AsyncPgConnection, sender: UserId, message: &SendMessage) -> AppResult<Option<Earlier>> {
    let Some(client_id) = &message.client_id else { return Ok(None) };
    Ok(store::messages::find_by_client_id(conn, sender, &client_id.id).await?)
}

/// The earlier message, if it is the same: the same content in the same conversation, addressed by its id or by the peer.
fn repeated(
    earlier: Earlier,
    target: Option<&TargetView>,
    viewer: UserId,
    again: &SendMessage,
) -> AppResult<SentMessage> {
    let (message, sender, hash) = earlier;
    let addresses = target.into_iter().flat_map(|target| {
        let conversation = &target.view.card.conversation;
        let peer = conversation.peer_id(viewer).map(Target::User);
        [Some(Target::Conversation(conversation.id)), peer].into_iter().flatten()
    });
    let stands_for = |address| again.client_id.as_ref().map(|client_id| client_id.input_hash(address));
    if !addresses.into_iter().any(|address| hash.is_some() && hash == stands_for(address)) {
        return Err(ChatError::ClientIdMismatch.at("input.clientMessageId").into());
    }
    Ok(SentMessage { message, sender: Some(Arc::new(sender)), conversation: None, deduplicated: true })
}

/// The conversation to send to; none for two people who never talked.
async fn find_target(conn: &AsyncPgConnection, viewer: UserId, target: Target) -> AppResult<Option<TargetView>> {
    match (store::find_target(conn, target, viewer).await?, target) {
        (None, Target::Conversation(_) | Target::Group(_)) => {
            Err(ChatError::NoSuchConversation.at(path(target)).into())
        }
        (found, _) => Ok(found),
    }
}

/// Appends a message to a conversation as it was seen, if the sender may.
async fn append(
    scope: &Scope,
    conn: &AsyncPgConnection,
    target: TargetView,
    message: &SendMessage,
    reply: Option<ReplyTarget>,
) -> AppResult<Tried> {
    let most_unanswered = most_unanswered(scope);
    policy::check_sending(&target, most_unanswered, scope.app.clock.now())
        .map_err(|error| error.at(path(message.to)))?;
    let ConversationView { card, member } = target.view;
    policy::check_reply(reply, card.conversation.id).map_err(|error| error.at(references::REPLY_PATH))?;
    references::check_mentions(conn, &member, &message.mentions).await?;
    let address = Target::Conversation(card.conversation.id);
    let hash = message.client_id.as_ref().map(|client_id| client_id.input_hash(address));
    let row = AppendMessage {
        conversation: &card.conversation,
        sender: member.user_id,
        content: &message.content,
        message_type: message.content.message_type(),
        is_private: message.is_private,
        media: message.content.file().map(|file| file.media),
        reply_to_seq: reply.map(|reply| reply.seq),
        mentions: Some(&message.mentions.users[..]).filter(|users| !users.is_empty()),
        mentions_all: message.mentions.all,
        is_forwarded: message.forwards.is_some(),
        client_message_id: message.client_id.as_ref().map(|client_id| client_id.id.as_str()),
        input_hash: hash.as_deref(),
        most_unanswered,
        now: scope.app.clock.now(),
    };
    match send::append_message(conn, row).await {
        Ok(Some((message, sender))) => {
            scope.note_recorded();
            Ok(Tried::Sent(sent(message, sender, card)))
        }
        Ok(None) => Ok(Tried::Stale),
        // The same client id at the same moment: the other one was first, and its message is there now.
        Err(error) if violated_constraint(&error) == Some("messages_client_id_key") => Ok(Tried::Stale),
        // Deleted since it was looked at.
        Err(error) if violated_constraint(&error) == Some("messages_media_id_fkey") => {
            Err(references::missing_file(&message.content).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Appends under the conversation's lock: its members stay the same between the look and the message.
async fn append_locked(
    scope: &Scope,
    sender: UserId,
    id: ConversationId,
    message: &SendMessage,
    reply: Option<ReplyTarget>,
) -> AppResult<Tried> {
    scope
        .transaction(async |conn| {
            store::lock_conversation(conn, id).await?;
            let target = store::find_target(conn, Target::Conversation(id), sender).await?;
            let target = target.ok_or(ChatError::NoSuchConversation.at(path(message.to)))?;
            append(scope, conn, target, message, reply).await
        })
        .await
}

fn sent(message: Message, sender: User, mut card: ConversationCard) -> SentMessage {
    card.conversation.last_seq = message.seq;
    card.conversation.last_activity_at = message.created_at;
    SentMessage { message, sender: Some(Arc::new(sender)), conversation: Some(Arc::new(card)), deduplicated: false }
}

/// The first message of two people: the conversation, its members and the message in one transaction.
async fn start_direct(
    scope: &Scope,
    viewer: UserId,
    message: &SendMessage,
    reply: Option<ReplyTarget>,
) -> AppResult<Tried> {
    let Target::User(peer) = message.to else { return Ok(Tried::Stale) };
    let (low, high) = (viewer.min(peer), viewer.max(peer));
    let now = scope.app.clock.now();
    let buckets = rate_limit::viewer_buckets(
        scope.requester(),
        "conversations",
        scope.app.config.rates.conversations,
        TimeDelta::days(1),
    )?;
    // A repeated client id ends the transaction; its commit is then a rollback, and nothing was made.
    scope
        .transaction(async |conn| {
            // Accounts are held first, as by all that locks what there is between two people.
            accounts::service::lock_viewer_shared(scope, conn).await?;
            if !accounts::service::lock_person_shared(conn, peer).await? {
                return Err(ChatError::NoSuchUser.at(path(message.to)).into());
            }
            let blocks = relations::service::lock_blocks(conn, viewer, peer).await?;
            policy::check_blocks(blocks).map_err(|error| error.at(path(message.to)))?;
            let Some(id) = store::insert_direct(conn, low, high, viewer, now).await? else {
                return Ok(Tried::Stale);
            };
            rate_limit::consume(conn, &buckets, now).await?;
            let mut people = vec![low, high];
            people.dedup();
            membership::record_direct(scope, conn, id, &people).await?;
            match store::find_target(conn, Target::Conversation(id), viewer).await? {
                Some(target) => append(scope, conn, target, message, reply).await,
                None => Ok(Tried::Stale),
            }
        })
        .await
}

/// Replaces the text of one's own message; the others learn of it.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, `NOT_MEMBER`, `EDIT_WINDOW_PASSED`, `INVALID_INPUT`, `MESSAGE_TOO_LARGE`; `RATE_LIMITED` for too
/// many edits while the other one does not answer.
pub async fn edit_message(scope: &Scope, id: MessageId, text: String) -> AppResult<SentMessage> {
    let viewer = scope.viewer()?.user_id;
    policy::content::check_text(&text).map_err(|error| error.at("text"))?;
    let content = Content::Text { text };
    for attempt in 0..TRY_LIMIT {
        let now = scope.app.clock.now();
        let message = find_message(scope, id).await?.ok_or(ChatError::NoSuchMessage.at("id"))?.message;
        policy::check_editor(&message, viewer, now).map_err(|error| error.at("id"))?;
        let conversation = message.conversation_id;
        let replaced = if attempt < LOCKED_FROM {
            let conn = scope.db.read().await?;
            let seen = store::find_for_member(&conn, conversation, viewer).await?;
            replace(scope, &conn, seen, &message, &content).await?
        } else {
            scope
                .transaction(async |conn| {
                    store::lock_conversation(conn, conversation).await?;
                    let seen = store::find_for_member(conn, conversation, viewer).await?;
                    replace(scope, conn, seen, &message, &content).await
                })
                .await?
        };
        if let Some(sent) = replaced {
            scope.publish_recorded();
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
    view: Option<ConversationView>,
    message: &Message,
    content: &Content,
) -> AppResult<Option<SentMessage>> {
    let now = scope.app.clock.now();
    let ConversationView { card, member } = view.ok_or(ChatError::NoSuchMessage.at("id"))?;
    policy::check_present(&member).map_err(|error| error.at("id"))?;
    policy::check_blocks(card.conversation.blocks(message.sender_id)).map_err(|error| error.at("id"))?;
    policy::check_voice(&card.conversation, &member, now).map_err(|error| error.at("id"))?;
    if policy::waits_for_answer(&card.conversation, message.sender_id) {
        let buckets = rate_limit::viewer_buckets(
            scope.requester(),
            "edits",
            scope.app.config.rates.unanswered,
            TimeDelta::days(1),
        )?;
        rate_limit::consume(conn, &buckets, now).await?;
    }
    let edit = EditMessage { message: message.id, conversation: &card.conversation, content, now };
    Ok(send::edit_message(conn, edit).await?.map(|(message, sender)| {
        scope.note_recorded();
        SentMessage { message, sender: Some(Arc::new(sender)), conversation: Some(Arc::new(card)), deduplicated: false }
    }))
}
