//! Read and delivered markers. They never move back, and never past the last message that the member may see.

use super::{Seen, find_conversation, get_target};
use crate::domains::chat::model::{ChatError, Target};
use crate::domains::chat::store::members::{self, MoveDeliveredMarker, MoveReadMarkers};
use crate::error::{AppError, AppResult};
use crate::ids::ConversationId;
use crate::scope::Scope;

/// Marks a conversation as read up to a seq, or to its end, and returns it as it is then.
///
/// # Errors
/// `NOT_FOUND` for a conversation that the viewer is no member of; `INVALID_INPUT` for a negative seq.
pub async fn mark_read(scope: &Scope, target: Target, up_to: Option<i32>) -> AppResult<Seen> {
    check_seq(up_to)?;
    let seen = get_target(scope, target).await?;
    let (card, member) = &seen;
    let id = card.conversation.id;
    let last = member.last_visible(card.conversation.last_seq);
    // Nothing to move: then nothing is locked either.
    if up_to.unwrap_or(last).min(last) <= member.read_seq {
        return Ok(seen);
    }
    move_markers(scope, &[id], up_to).await?;
    let now = find_conversation(scope, id).await?;
    now.ok_or_else(|| ChatError::NoSuchConversation.at("to").into())
}

/// Marks everything of the viewer's as read. A seq belongs to one conversation: with one, nothing is marked.
///
/// # Errors
/// Unauthenticated without a token; `INVALID_INPUT` with a seq.
pub async fn mark_all_read(scope: &Scope, up_to: Option<i32>) -> AppResult<()> {
    let viewer = scope.viewer()?;
    if up_to.is_some() {
        return Err(ChatError::SeqWithoutTarget.at("upToSeq").into());
    }
    loop {
        let conn = scope.db.read().await?;
        let unread = members::list_unread(&conn, viewer.user_id).await?;
        drop(conn);
        // Whoever has nothing unread, or only what others keep sending meanwhile, is done.
        if unread.is_empty() || move_markers(scope, &unread, None).await? == 0 {
            return Ok(());
        }
    }
}

/// Marks what the viewer's devices received, and returns the conversation as it is then.
///
/// # Errors
/// `NOT_FOUND` for a conversation that the viewer is no member of; `INVALID_INPUT` for a negative seq.
pub async fn mark_delivered(scope: &Scope, target: Target, up_to: i32) -> AppResult<Seen> {
    check_seq(Some(up_to))?;
    let viewer = scope.viewer()?;
    let seen = get_target(scope, target).await?;
    let conversation = seen.0.conversation.id;
    let conn = scope.db.read().await?;
    let marker = MoveDeliveredMarker { user: viewer.user_id, conversation, seq: up_to };
    members::move_delivered_marker(&conn, marker).await?;
    Ok(seen)
}

fn check_seq(seq: Option<i32>) -> AppResult<()> {
    match seq {
        Some(seq) if seq < 0 => Err(ChatError::SeqOutOfRange.at("upToSeq").into()),
        _ => Ok(()),
    }
}

/// The lock is a statement of its own, so that the move sees every message up to it.
async fn move_markers(scope: &Scope, ids: &[ConversationId], up_to: Option<i32>) -> AppResult<i64> {
    let viewer = scope.viewer()?;
    let now = scope.app.clock.now();
    let mut conn = scope.db.write().await?;
    let moved = conn
        .transaction(async |conn| {
            let locked = members::lock_for_marking(conn, viewer.user_id, ids).await?;
            let (conversations, seqs): (Vec<_>, Vec<_>) = locked
                .into_iter()
                .map(|(id, last_seq, until)| {
                    let last = until.map_or(last_seq, |until| until.min(last_seq));
                    (id, up_to.map_or(last, |seq| seq.min(last)))
                })
                .unzip();
            let markers = MoveReadMarkers { user: viewer.user_id, conversations: &conversations, seqs: &seqs, now };
            Ok::<_, AppError>(members::move_read_markers(conn, markers).await?)
        })
        .await?;
    scope.app.events.wake_sequencer();
    Ok(moved)
}
