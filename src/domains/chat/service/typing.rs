//! Telling others that one is typing.

use super::send::most_unanswered;
use crate::domains::chat::model::typing::{TypingChange, TypingState};
use crate::domains::chat::model::{ChatError, Target};
use crate::domains::chat::{policy, store};
use crate::error::AppResult;
use crate::rate_limit;
use crate::scope::Scope;

/// Tells the members of a conversation that the viewer is typing, or no longer is, if they could send to it now. Costs the look
/// whether they could; the same within a few seconds is not told again.
///
/// # Errors
/// `NOT_FOUND` also where two people have not talked yet; `NOT_MEMBER`, `BLOCKED`, `FORBIDDEN`, `MEMBER_MUTED` and `CONFLICT` as
/// sending; `RATE_LIMITED` for too many in a few seconds.
pub async fn set_typing(scope: &Scope, to: Target, state: TypingState) -> AppResult<()> {
    let viewer = scope.viewer()?.user_id;
    let (typing, now) = (&scope.app.events.typing, scope.app.clock.now());
    typing.count_call(viewer, now).map_err(rate_limit::rate_limited)?;
    let path = match to {
        Target::User(_) => "to.userId",
        Target::Conversation(_) => "to.conversationId",
        Target::Group(_) => "to.groupId",
    };
    let conn = scope.db.read().await?;
    let target = store::find_target(&conn, to, viewer).await?.ok_or(ChatError::NoSuchConversation.at(path))?;
    policy::check_sending(&target, most_unanswered(scope), now).map_err(|error| error.at(path))?;
    typing.tell(TypingChange { conversation: target.view.card.conversation.id, user: viewer, state, at: now });
    Ok(())
}
