//! What a member chooses for a conversation, for their own list and devices alone: the conversation has no version of it, and
//! no other member is told.

use crate::domains::accounts::service::lock_viewer_exclusive;
use crate::domains::chat::model::{ChatError, ConversationView, UpdateConversation};
use crate::domains::chat::policy::PINNED_LIMIT;
use crate::domains::chat::service::find_conversation;
use crate::domains::chat::store::settings::{self, ChangeSettings};
use crate::error::AppResult;
use crate::ids::ConversationId;
use crate::scope::Scope;

/// Pins, mutes or hides a conversation that the viewer is or was a member of, or does so no longer, and returns it as it is then. Their
/// other devices are told; where nothing changes, nothing is written.
///
/// # Errors
/// `NOT_FOUND`; `CONFLICT` for a pinned one too many.
pub async fn update(scope: &Scope, id: ConversationId, update: UpdateConversation) -> AppResult<ConversationView> {
    let mut view = find_conversation(scope, id).await?.ok_or(ChatError::NoSuchConversation.at("id"))?;
    let member = &mut view.member;
    let is_pinned = update.pinned.unwrap_or(member.is_pinned);
    let is_silent = update.muted.unwrap_or(member.is_silent);
    let last = member.last_visible(view.card.conversation.last_seq);
    let is_hidden = member.is_hidden(last);
    let hidden_through = match update.hidden {
        Some(true) => Some(last),
        Some(false) => None,
        None => member.hidden_through,
    };
    let changes_hidden = update.hidden.is_some_and(|hidden| hidden != is_hidden);
    if (is_pinned, is_silent) == (member.is_pinned, member.is_silent) && !changes_hidden {
        return Ok(view);
    }
    let UpdateConversation { pinned, muted, hidden } = update;
    let change = ChangeSettings { conversation: id, user: member.user_id, pinned, muted, hidden, last };
    if is_pinned && !member.is_pinned {
        // What is counted stays as it is: other devices of theirs wait.
        scope
            .transaction(async |conn| {
                let viewer = lock_viewer_exclusive(scope, conn).await?;
                if settings::count_other_pinned(conn, viewer, id, PINNED_LIMIT).await? >= PINNED_LIMIT {
                    return Err(ChatError::TooManyPinned(PINNED_LIMIT).at("pinned").into());
                }
                settings::change_settings(conn, &change).await?;
                scope.note_recorded();
                Ok(())
            })
            .await?;
    } else {
        settings::change_settings(&*scope.db.read().await?, &change).await?;
        scope.note_recorded();
        scope.publish_recorded();
    }
    (member.is_pinned, member.is_silent, member.hidden_through) = (is_pinned, is_silent, hidden_through);
    Ok(view)
}
