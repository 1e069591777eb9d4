//! Taking messages away: revoked by their senders and by those who run a group, deleted for everyone or for oneself, and whole
//! conversations cleared for oneself. The conversation is locked before the message, and the message before what belongs to it.

use std::sync::Arc;

use super::{find_conversation, find_message, markers};
use crate::domains::accounts::model::Role;
use crate::domains::accounts::service::role_of;
use crate::domains::chat::model::{ChatError, ConversationView, HeldMessage, MessageStatus, SentMessage, Target};
use crate::domains::chat::policy::HIDDEN_LIMIT;
use crate::domains::chat::store::removal;
use crate::domains::chat::{policy, store};
use crate::error::AppResult;
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::ids::{ConversationId, MessageId};
use crate::scope::Scope;

/// Takes a message back: its content, mentions and reactions are gone for all.
///
/// # Errors
/// `NOT_FOUND`, `NOT_MEMBER`, `FORBIDDEN`, `REVOKE_WINDOW_PASSED`; `CONFLICT` where it was revoked or deleted before.
pub async fn revoke_message(scope: &Scope, id: MessageId) -> AppResult<SentMessage> {
    let found = find_message(scope, id).await?.ok_or(ChatError::NoSuchMessage.at("id"))?;
    let now = scope.app.clock.now();
    let removal = Removal { id, conversation: found.message.conversation_id, is_revoked: true };
    remove(scope, removal, |held| policy::check_revoker(held, now)).await
}

/// Deletes a message for everyone: by its sender, at any time, or by an administrator. What was deleted before stays so, and what
/// was revoked is deleted.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`.
pub async fn delete_for_everyone(scope: &Scope, id: MessageId) -> AppResult<()> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read().await?;
    let is_admin = role_of(&conn, viewer).await? == Role::Admin;
    let conversation = store::messages::find_conversation_of(&conn, id).await?;
    drop(conn);
    let conversation = conversation.ok_or(ChatError::NoSuchMessage.at("id"))?;
    let removal = Removal { id, conversation, is_revoked: false };
    remove(scope, removal, |held| policy::check_deleter(held, viewer, is_admin)).await.map(drop)
}

/// A message that is to be gone for all: revoked, or else deleted.
#[derive(Clone, Copy)]
struct Removal {
    id: MessageId,
    conversation: ConversationId,
    is_revoked: bool,
}

/// Takes the content of a message away from all, if that is allowed as the message is then. What was deleted stays so.
async fn remove(
    scope: &Scope,
    Removal { id, conversation, is_revoked }: Removal,
    check: impl Fn(&HeldMessage) -> Result<(), ChatError> + Send + Sync,
) -> AppResult<SentMessage> {
    let (viewer, now) = (scope.viewer()?.user_id, scope.app.clock.now());
    scope
        .transaction(async |conn| {
            store::lock_conversation(conn, conversation).await?;
            let held = store::messages::hold_message(conn, id, viewer).await?;
            let held = held.ok_or(ChatError::NoSuchMessage.at("id"))?;
            check(&held).map_err(|error| error.at("id"))?;
            let HeldMessage { mut message, mut sender, .. } = held;
            if message.status != MessageStatus::Deleted {
                (message, sender) = removal::remove_message(conn, &message, viewer, is_revoked, now).await?;
                scope.note_recorded();
            }
            Ok(SentMessage { message, sender: Some(Arc::new(sender)), conversation: None, deduplicated: false })
        })
        .await
}

/// Deletes a message for the viewer alone, on all their devices.
///
/// # Errors
/// `NOT_FOUND`, also where it is gone for them already; `CONFLICT` for one too many in a conversation.
pub async fn delete_for_viewer(scope: &Scope, id: MessageId) -> AppResult<()> {
    let viewer = scope.viewer()?.user_id;
    let missing = || ChatError::NoSuchMessage.at("id");
    find_message(scope, id).await?.ok_or_else(missing)?;
    if removal::hide_message(&*scope.db.read().await?, id, viewer, HIDDEN_LIMIT).await? == 0 {
        // Another device did the same at this moment, or there are enough.
        find_message(scope, id).await?.ok_or_else(missing)?;
        return Err(ChatError::TooManyHidden(HIDDEN_LIMIT).at("id").into());
    }
    scope.note_recorded();
    scope.publish_recorded();
    Ok(())
}

/// Takes all that was said in a conversation so far away from the viewer alone, who has read it then. Nothing of it comes back.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn clear(scope: &Scope, id: ConversationId) -> AppResult<ConversationView> {
    let missing = || ChatError::NoSuchConversation.at("id");
    let view = find_conversation(scope, id).await?.ok_or_else(missing)?;
    let (viewer, through) = (view.member.user_id, view.member.last_visible(view.card.conversation.last_seq));
    markers::mark_read(scope, Target::Conversation(id), Some(through)).await?;
    scope
        .transaction(async |conn| {
            store::lock_conversation(conn, id).await?;
            if removal::clear_before(conn, id, viewer, through).await? {
                let event = |kind| NewEvent {
                    conversation_id: Some(id),
                    user_id: Some(viewer),
                    ..NewEvent::new(kind, Topic::user(viewer))
                };
                // Instances first: what is told from then on lies in the window.
                let events = [EventKind::MembershipChanged, EventKind::ConversationChanged].map(event);
                scope.record(conn, &events).await?;
            }
            Ok(())
        })
        .await?;
    find_conversation(scope, id).await?.ok_or_else(|| missing().into())
}
