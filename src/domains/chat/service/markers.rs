//! Read and delivered markers. They never move back, and never past the last message that the member may see.
//!
//! In a direct conversation a read marker is a change of the conversation: it has a version, and both people are told. In a group it
//! is the reader's alone: many read at once, so the conversation is not locked, and only the reader's own devices are told. What was
//! delivered is told to the other person of a direct conversation.

use super::{find_conversation, get_target};
use crate::domains::chat::model::{ChatError, ConversationKind, ConversationView, Target};
use crate::domains::chat::store::markers::{self, MoveGroupMarkers, MoveReadMarkers};
use crate::error::{AppError, AppResult};
use crate::ids::ConversationId;
use crate::scope::Scope;

/// How often a marker is moved before that is given up.
const TRY_LIMIT: usize = 8;

/// How often nothing may move before all that can be marked is marked.
const IDLE_ROUND_LIMIT: i32 = 3;

/// Marks a conversation as read up to a seq, or to its end, and returns it as it is then.
///
/// # Errors
/// `NOT_FOUND` for a conversation that the viewer is no member of; `INVALID_INPUT` for a negative seq.
pub async fn mark_read(scope: &Scope, target: Target, up_to: Option<i32>) -> AppResult<ConversationView> {
    check_seq(up_to)?;
    let view = get_target(scope, target).await?;
    let ConversationView { card, member } = &view;
    let id = card.conversation.id;
    let last = member.last_visible(card.conversation.last_seq);
    let wanted = up_to.unwrap_or(last).min(last);
    // Nothing to move: then nothing is locked either.
    if wanted <= member.read_seq {
        return Ok(view);
    }
    for _ in 0..TRY_LIMIT {
        move_markers(scope, &[(id, card.conversation.kind)], up_to).await?;
        let moved = find_conversation(scope, id).await?.ok_or(ChatError::NoSuchConversation.at("to"))?;
        // Behind it still where another device of the reader's moved it at the same moment, and not as far.
        if moved.member.read_seq >= wanted {
            return Ok(moved);
        }
    }
    Err(AppError::overloaded())
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
    let (mut idle_rounds, mut after) = (0, ConversationId(0));
    loop {
        let unread = markers::list_unread(&*scope.db.read().await?, viewer.user_id, after).await?;
        if unread.is_empty() && after == ConversationId(0) {
            return Ok(());
        }
        // One batch behind the other, then once more from the first: in a conversation before it may be something new.
        after = unread.last().filter(|_| markers::is_full_batch(&unread)).map_or(ConversationId(0), |(id, _)| *id);
        // Nothing moves where another device marks the same at this moment, or others keep sending meanwhile.
        idle_rounds += i32::from(!unread.is_empty() && move_markers(scope, &unread, None).await? == 0);
        if idle_rounds == IDLE_ROUND_LIMIT {
            return Ok(());
        }
    }
}

/// Marks what the viewer's devices received, and returns the conversation as it is then.
///
/// # Errors
/// `NOT_FOUND` for a conversation that the viewer is no member of; `INVALID_INPUT` for a negative seq.
pub async fn mark_delivered(scope: &Scope, target: Target, up_to: i32) -> AppResult<ConversationView> {
    check_seq(Some(up_to))?;
    let viewer = scope.viewer()?;
    let view = get_target(scope, target).await?;
    let conversation = view.card.conversation.id;
    let conn = scope.db.read().await?;
    if markers::move_fetched_markers(&conn, viewer.user_id, &[conversation], &[up_to]).await? > 0 {
        scope.note_recorded();
        scope.publish_recorded();
    }
    Ok(view)
}

fn check_seq(seq: Option<i32>) -> AppResult<()> {
    match seq {
        Some(seq) if seq < 0 => Err(ChatError::SeqOutOfRange.at("upToSeq").into()),
        _ => Ok(()),
    }
}

/// Moves markers, of each kind of conversation in its own way, and returns how many moved.
async fn move_markers(
    scope: &Scope,
    conversations: &[(ConversationId, ConversationKind)],
    up_to: Option<i32>,
) -> AppResult<i64> {
    let of = |is_group: bool| -> Vec<ConversationId> {
        let wanted = conversations.iter().filter(|(_, kind)| (*kind == ConversationKind::Group) == is_group);
        wanted.map(|(id, _)| *id).collect()
    };
    let (groups, others) = (of(true), of(false));
    let mut moved = 0;
    if !groups.is_empty() {
        moved += move_group_markers(scope, &groups, up_to).await?;
    }
    if !others.is_empty() {
        moved += move_locked_markers(scope, &others, up_to).await?;
    }
    if moved > 0 {
        scope.note_recorded();
        scope.publish_recorded();
    }
    Ok(moved)
}

/// One marker is moved by one statement. Several lock several rows of the reader's, as another device may in another order: a
/// transaction is run again where that is a deadlock.
async fn move_group_markers(scope: &Scope, ids: &[ConversationId], up_to: Option<i32>) -> AppResult<i64> {
    let (user, now) = (scope.viewer()?.user_id, scope.app.clock.now());
    let markers = MoveGroupMarkers { user, conversations: ids, up_to, now };
    if ids.len() == 1 {
        return Ok(markers::move_group_markers(&*scope.db.read().await?, &markers).await?);
    }
    scope.transaction(async |conn| Ok(markers::move_group_markers(conn, &markers).await?)).await
}

/// The lock is a statement of its own, so that the move sees every message up to it.
async fn move_locked_markers(scope: &Scope, ids: &[ConversationId], up_to: Option<i32>) -> AppResult<i64> {
    let viewer = scope.viewer()?;
    let now = scope.app.clock.now();
    scope
        .transaction(async |conn| {
            let locked = markers::lock_for_marking(conn, viewer.user_id, ids).await?;
            let (conversations, seqs): (Vec<_>, Vec<_>) = locked
                .into_iter()
                .map(|(id, last_seq, until)| {
                    let last = until.map_or(last_seq, |until| until.min(last_seq));
                    (id, up_to.map_or(last, |seq| seq.min(last)))
                })
                .unzip();
            let markers = MoveReadMarkers { user: viewer.user_id, conversations: &conversations, seqs: &seqs, now };
            Ok(markers::move_read_markers(conn, markers).await?)
        })
        .await
}
