//! What may be said, and by whom, as pure functions.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::model::{ChatError, Content, Conversation, Draft, Member, Message, MessageStatus, MessageType, Target};
use crate::domains::accounts::model::User;
use crate::ids::UserId;
use crate::text::{check_length, is_blank, is_storable};

/// The longest text, in characters.
const LONGEST: usize = 8000;

/// Whether this can be sent.
///
/// # Errors
/// [`ChatError::Empty`], [`ChatError::TooLarge`] or [`ChatError::NotText`].
pub fn check_content(content: &Content) -> Result<(), ChatError> {
    let Content::Text { text } = content else { return Err(ChatError::Empty) };
    if text.chars().all(is_blank) {
        return Err(ChatError::Empty);
    }
    if check_length(text, LONGEST).is_err() {
        return Err(ChatError::TooLarge);
    }
    if !is_storable(text) {
        return Err(ChatError::NotText);
    }
    Ok(())
}

/// Whether this can name a message.
///
/// # Errors
/// [`ChatError::ClientIdUnusable`].
pub fn check_client_message_id(id: Option<&str>) -> Result<(), ChatError> {
    match id {
        Some(id) if id.is_empty() || check_length(id, 64).is_err() || !is_storable(id) => {
            Err(ChatError::ClientIdUnusable)
        }
        _ => Ok(()),
    }
}

/// Whether the member may send; to somebody who left there is nothing to send.
///
/// # Errors
/// [`ChatError::NotMember`] or [`ChatError::NoSuchUser`].
pub fn check_sender(member: &Member, peer: Option<&User>) -> Result<(), ChatError> {
    if member.until_seq.is_some() {
        return Err(ChatError::NotMember);
    }
    if peer.is_some_and(|peer| peer.deleted_at.is_some()) {
        return Err(ChatError::NoSuchUser);
    }
    Ok(())
}

/// Whether a conversation's opener may send to a person who has not answered; `most` messages in all.
///
/// # Errors
/// [`ChatError::Unanswered`].
pub fn check_unanswered(conversation: &Conversation, sender: UserId, most: i32) -> Result<(), ChatError> {
    let is_over = waits_for_answer(conversation, sender) && conversation.last_seq >= most;
    if is_over { Err(ChatError::Unanswered(most)) } else { Ok(()) }
}

/// Whether somebody has opened a conversation that nobody has answered.
#[must_use]
pub fn waits_for_answer(conversation: &Conversation, sender: UserId) -> bool {
    !conversation.answered && conversation.opened_by == Some(sender)
}

/// How long a message can be edited.
const EDIT_WINDOW: TimeDelta = TimeDelta::hours(24);

/// Whether somebody may edit a message.
///
/// # Errors
/// [`ChatError::NotEditable`] or [`ChatError::EditWindowPassed`].
pub fn check_editor(message: &Message, editor: UserId, now: DateTime<Utc>) -> Result<(), ChatError> {
    let is_text = message.type_ == MessageType::Text && matches!(message.content, Some(Content::Text { .. }));
    if message.sender_id != editor || message.status != MessageStatus::Normal || !is_text {
        return Err(ChatError::NotEditable);
    }
    if now - message.created_at > EDIT_WINDOW {
        return Err(ChatError::EditWindowPassed);
    }
    Ok(())
}

/// What a client message id stands for: the same id with anything else is a mistake. It is stored for the conversation,
/// however that was addressed; earlier versions stored it for the person where one was named.
#[must_use]
pub fn input_hash(target: Target, draft: &Draft) -> Vec<u8> {
    let target = match target {
        Target::User(id) => ("user", id.0),
        Target::Conversation(id) => ("conversation", id.0),
    };
    let input = (target, &draft.content, draft.is_private);
    Sha256::digest(serde_json::to_vec(&input).unwrap_or_default()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Content {
        Content::Text { text: text.to_owned() }
    }

    #[test]
    fn texts_are_neither_empty_nor_endless() {
        assert_eq!(check_content(&text("你好")), Ok(()));
        assert_eq!(check_content(&text(" \n\u{3000}")), Err(ChatError::Empty));
        assert_eq!(check_content(&text("\u{200b}\u{feff} \u{3164}\u{2800}\u{202e}\u{fe0f}")), Err(ChatError::Empty));
        assert_eq!(check_content(&text(&"字".repeat(8000))), Ok(()));
        assert_eq!(check_content(&text(&"字".repeat(8001))), Err(ChatError::TooLarge));
        assert_eq!(check_content(&text("a\0b")), Err(ChatError::NotText));
    }
}
