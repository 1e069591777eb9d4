//! Sending on what another message holds.

use super::{find_message, send};
use crate::domains::chat::model::{ChatError, Content, Draft, MessageStatus, MessageType, SentMessage, Target};
use crate::domains::media;
use crate::error::{AppError, AppResult};
use crate::ids::{MediaId, MessageId};
use crate::scope::Scope;

/// How often a file is copied: another forward of it that fails at the same moment takes its copy away.
const TRY_LIMIT: usize = 4;

/// Sends the content of a message that the viewer sees to another conversation, or to the same one. A file becomes the viewer's as
/// well, so that it stays when its first owner deletes theirs. The same `clientMessageId` again gives the same message, also
/// once the one that was forwarded is changed or gone.
///
/// # Errors
/// `NOT_FOUND`, `CONFLICT` for a message that was revoked or deleted, `FORBIDDEN` for an encrypted one and one of the server's, `TOO_MANY_FILES` for a file
/// over the viewer's quota; and as sending.
pub async fn forward_message(
    scope: &Scope,
    id: MessageId,
    to: Target,
    client_message_id: Option<String>,
) -> AppResult<SentMessage> {
    let draft =
        |content| Draft { forwards: Some(id), client_message_id: client_message_id.clone(), ..Draft::new(to, content) };
    for attempt in 1..=TRY_LIMIT {
        let (content, copy) = match take_content(scope, id).await {
            Ok(taken) => taken,
            // It may have been forwarded before.
            Err(refused @ AppError::User(_)) => {
                let nothing = Content::Text { text: "-".to_owned() };
                return send::send_message(scope, Draft { refused: Some(refused), ..draft(nothing) }).await;
            }
            Err(error) => return Err(error),
        };
        let sent = send::send_message(scope, draft(content)).await;
        match (&sent, copy) {
            (Err(error), _) if attempt < TRY_LIMIT && is_missing_file(error) => {}
            (Err(_), Some(copy)) => {
                // Nothing shows it. Where that fails it stays among their files, as an upload does that was never sent.
                let _ = media::service::delete_file(scope, copy).await;
                return sent;
            }
            _ => return sent,
        }
    }
    Err(AppError::overloaded())
}

/// The content of a message, with a file of the viewer's, and that file where it is a new one.
async fn take_content(scope: &Scope, id: MessageId) -> AppResult<(Content, Option<MediaId>)> {
    let found = find_message(scope, id).await?.ok_or(ChatError::NoSuchMessage.at("id"))?.message;
    if found.is_private || found.type_ == MessageType::System {
        return Err(ChatError::NotForwardable.at("id").into());
    }
    let content = found.content.filter(|_| found.status == MessageStatus::Normal);
    let content = content.ok_or(ChatError::Gone.at("id"))?;
    let Some(file) = content.file() else { return Ok((content, None)) };
    let (media, is_new) = media::service::copies::copy_to_viewer(scope, file.media, "id").await?;
    Ok((content.with_media(media), is_new.then_some(media)))
}

fn is_missing_file(error: &AppError) -> bool {
    let AppError::User(errors) = error else { return false };
    errors.iter().any(|error| error.field.last().is_some_and(|name| name == "mediaId"))
}
