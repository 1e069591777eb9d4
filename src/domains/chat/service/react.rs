//! Reactions. A reaction locks the message alone, never its conversation: many react at once while others send.
//!
//! Members are told of what was reacted to a message within `TELL_DELAY` by one event. That it is to be told is a job of the
//! message, made by the same transaction as the reaction; the instance that took the reaction performs it, or the leader where that
//! instance is gone. Locks: the conversation before the job, the message before the job, neither of the two before the other one.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::app::App;
use crate::auth::Requester;
use crate::domains::chat::model::{ChatError, HeldMessage, MessageMarks, SentMessage};
use crate::domains::chat::policy::{self, EMOJI_LIMIT, REACTION_LIMIT};
use crate::domains::chat::store::messages::hold_message;
use crate::domains::chat::store::reactions::{self, AddReaction, RemoveReaction};
use crate::error::AppResult;
use crate::ids::MessageId;
use crate::jobs::{self, JobKind};
use crate::scope::Scope;
use crate::text::single_emoji;

/// Reactions within this time are told together.
const TELL_DELAY: Duration = Duration::from_millis(200);

/// When the leader tells what is not told yet.
const LEADER_DELAY: TimeDelta = TimeDelta::seconds(2);

/// Puts an emoji on a message, once. The same again changes nothing.
///
/// # Errors
/// `INVALID_INPUT` for what is no single emoji; `NOT_FOUND`, `NOT_MEMBER`, `BLOCKED`, `FORBIDDEN`, `MEMBER_MUTED` as sending;
/// `CONFLICT` for a message that is revoked or deleted, and for one reaction too many.
pub async fn add_reaction(scope: &Scope, id: MessageId, emoji: &str) -> AppResult<SentMessage> {
    change(scope, id, emoji, ReactionChange::Add).await
}

/// Takes one's own emoji off a message. Where there is none, nothing changes.
///
/// # Errors
/// `INVALID_INPUT` for what is no single emoji; `NOT_FOUND`, `NOT_MEMBER`.
pub async fn remove_reaction(scope: &Scope, id: MessageId, emoji: &str) -> AppResult<SentMessage> {
    change(scope, id, emoji, ReactionChange::Remove).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ReactionChange {
    Add,
    Remove,
}

async fn change(scope: &Scope, id: MessageId, emoji: &str, change: ReactionChange) -> AppResult<SentMessage> {
    let (user, now) = (scope.viewer()?.user_id, scope.app.clock.now());
    let emoji = single_emoji(emoji).ok_or(ChatError::NotEmoji.at("emoji"))?;
    let sent = scope
        .transaction(async |conn| {
            let held = hold_message(conn, id, user).await?.ok_or(ChatError::NoSuchMessage.at("messageId"))?;
            let allowed = match change {
                ReactionChange::Add => policy::check_reacting(&held, now),
                ReactionChange::Remove => policy::check_seeing(&held).map(drop),
            };
            allowed.map_err(|error| error.at("messageId"))?;
            let count = match change {
                ReactionChange::Add => {
                    let (most_emoji, most) = (EMOJI_LIMIT, REACTION_LIMIT);
                    let reaction = AddReaction { message: id, user, emoji: &emoji, most_emoji, most, now };
                    reactions::add_reaction(conn, reaction).await?
                }
                ReactionChange::Remove => {
                    reactions::remove_reaction(conn, RemoveReaction { message: id, user, emoji: &emoji, now }).await?
                }
            };
            if count.is_some() {
                jobs::schedule(conn, JobKind::TellReactions, id.0, now + LEADER_DELAY).await?;
            } else if change == ReactionChange::Add && !reactions::has_reaction(conn, id, user, &emoji).await? {
                return Err(ChatError::TooManyReactions(EMOJI_LIMIT, REACTION_LIMIT).at("emoji").into());
            }
            Ok(with_count(held, count))
        })
        .await?;
    tell_soon(&scope.app, id);
    Ok(sent)
}

/// The message as it is after a change of its reactions; as it was where there was none.
fn with_count(HeldMessage { mut message, sender, .. }: HeldMessage, count: Option<i32>) -> SentMessage {
    if let Some(reactions) = count {
        let marks = message.marks.as_deref().cloned().unwrap_or_default();
        message.marks = Some(Arc::new(MessageMarks { reactions, ..marks }));
    }
    SentMessage { message, sender: Some(Arc::new(sender)), conversation: None, deduplicated: false }
}

fn tell_soon(app: &Arc<App>, id: MessageId) {
    if app.pending_reactions.add(id) {
        let app = Arc::clone(app);
        app.tracker.clone().spawn(async move {
            tokio::time::sleep(TELL_DELAY).await;
            let scope = Scope::new(Arc::clone(&app), Requester::anonymous());
            for id in app.pending_reactions.take() {
                if let Err(error) = tell(&scope, id).await {
                    tracing::warn!(cause = %error.describe(), "reactions to a message are told later");
                }
            }
        });
    }
}

/// Tells members of what was reacted to a message since that was last told.
///
/// # Errors
/// When the database fails.
pub async fn tell(scope: &Scope, id: MessageId) -> AppResult<()> {
    if reactions::record_reactions(&*scope.db.read().await?, id, JobKind::TellReactions.name()).await? {
        scope.note_recorded();
        scope.publish_recorded();
    }
    Ok(())
}
