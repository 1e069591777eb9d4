//! What a message refers to: a file of the sender's, a message that it answers, and the users mentioned in it.

use diesel_async::AsyncPgConnection;

use super::find_message;
use crate::domains::chat::model::{ChatError, Content, Member, Mentions, ReplyTarget, SendMessage};
use crate::domains::chat::policy::content::{argument, check_kind};
use crate::domains::chat::store::mentions::list_mentionable;
use crate::domains::media;
use crate::error::{AppError, AppResult, UserError};
use crate::ids::MessageId;
use crate::scope::Scope;

/// The argument that names the message to answer.
pub(super) const REPLY_PATH: &str = "input.replyToId";

/// Looks at what a message refers to, and returns where the message is that it answers: a statement for each, and none where it
/// refers to nothing.
///
/// # Errors
/// `NOT_FOUND` for another user's file, and for a message that the viewer may not see; `FILE_TYPE_NOT_ALLOWED` for a file of
/// another kind.
pub(super) async fn check(scope: &Scope, message: &SendMessage) -> AppResult<Option<ReplyTarget>> {
    if let Some(refused) = &message.refused {
        return Err(refused.clone());
    }
    check_file(scope, &message.content).await?;
    match message.reply_to {
        Some(id) => find_reply(scope, id).await.map(Some),
        None => Ok(None),
    }
}

async fn check_file(scope: &Scope, content: &Content) -> AppResult<()> {
    let Some(file) = content.file() else { return Ok(()) };
    let found = media::service::find_own_to_show(scope, file.media).await?;
    let found = found.ok_or_else(|| missing_file(content))?;
    Ok(check_kind(content, &found).map_err(|error| error.at(&media_path(content)))?)
}

async fn find_reply(scope: &Scope, id: MessageId) -> AppResult<ReplyTarget> {
    let found = find_message(scope, id).await?.ok_or(ChatError::NoSuchMessage.at(REPLY_PATH))?.message;
    Ok(ReplyTarget { conversation: found.conversation_id, seq: found.seq })
}

/// Whether a member may mention these users in their conversation: present members of it, and in a group that hides its members
/// only those visible to the sender. No statement where none is mentioned by name.
///
/// # Errors
/// `NOT_FOUND` at each user who can't be mentioned, and `FORBIDDEN` for all members.
pub(super) async fn check_mentions(conn: &AsyncPgConnection, sender: &Member, mentions: &Mentions) -> AppResult<()> {
    if mentions.all && !sender.is_staff {
        return Err(ChatError::MentionsAll.at("input.mentionAll").into());
    }
    if mentions.users.is_empty() {
        return Ok(());
    }
    let known = list_mentionable(conn, sender, &mentions.users).await?;
    let missing = mentions.users.iter().enumerate().filter(|(_, user)| !known.contains(user));
    let errors: Vec<UserError> =
        missing.map(|(place, _)| ChatError::NotMentionable.at(&format!("input.mentionUserIds.{place}"))).collect();
    if errors.is_empty() { Ok(()) } else { Err(AppError::User(errors)) }
}

/// That the sender has no such file.
pub(super) fn missing_file(content: &Content) -> UserError {
    ChatError::NoSuchFile.at(&media_path(content))
}

fn media_path(content: &Content) -> String {
    format!("{}.mediaId", argument(content))
}
