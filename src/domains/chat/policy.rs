//! What may be said, and by whom, as pure functions.

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{
    ChatError, ClientId, Content, Conversation, ConversationView, Draft, Member, Message, MessageStatus, MessageType,
    SendMessage, TargetView,
};
use crate::domains::relations::model::BlockState;
use crate::error::UserError;
use crate::ids::UserId;
use crate::text::{check_length, is_blank, is_storable};

/// The longest text, in characters.
const LONGEST: usize = 8000;

/// Members whose read markers are shown at most, of each conversation; `graphql/document/sizes` counts as many.
pub const MOST_READERS: i64 = 30;

/// The message that a draft is, if it can be sent by anyone to anyone.
///
/// # Errors
/// [`ChatError::ClientIdUnusable`], [`ChatError::Empty`], [`ChatError::TooLarge`] or [`ChatError::NotText`], at the argument.
pub fn check_draft(draft: Draft) -> Result<SendMessage, UserError> {
    let Draft { to, content, is_private, client_message_id } = draft;
    check_client_message_id(client_message_id.as_deref()).map_err(|error| error.at("input.clientMessageId"))?;
    check_content(&content).map_err(|error| error.at("input.content.text.text"))?;
    let client_id = client_message_id.map(|id| ClientId { id, input: hashed_input(&content, is_private) });
    Ok(SendMessage { to, content, is_private, client_id })
}

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
fn check_client_message_id(id: Option<&str>) -> Result<(), ChatError> {
    match id {
        Some(id) if id.is_empty() || check_length(id, 64).is_err() || !is_storable(id) => {
            Err(ChatError::ClientIdUnusable)
        }
        _ => Ok(()),
    }
}

/// The part of what a client id stands for that doesn't depend on the address.
fn hashed_input(content: &Content, is_private: bool) -> Vec<u8> {
    let mut input = serde_json::to_vec(content).unwrap_or_default();
    input.extend_from_slice(if is_private { b",true]" } else { b",false]" });
    input
}

/// Whether a member may send to a conversation as it is now; `most` is how many messages its opener sends without an answer.
///
/// # Errors
/// [`ChatError::NotMember`], [`ChatError::NoSuchUser`] when the other person left, [`ChatError::Blocked`],
/// [`ChatError::NotTaken`], [`ChatError::Unanswered`], [`ChatError::Muted`], or [`ChatError::AllMuted`].
pub fn check_sending(target: &TargetView, most: i32, now: DateTime<Utc>) -> Result<(), ChatError> {
    let TargetView { view: ConversationView { card, member }, has_departed } = target;
    check_present(member)?;
    if *has_departed {
        return Err(ChatError::NoSuchUser);
    }
    let conversation = &card.conversation;
    check_blocks(conversation.blocks(member.user_id))?;
    check_voice(conversation, member, now)?;
    let is_over = waits_for_answer(conversation, member.user_id) && conversation.last_seq >= most;
    if is_over { Err(ChatError::Unanswered(most)) } else { Ok(()) }
}

/// Whether a member of a group may be heard in it now.
///
/// # Errors
/// [`ChatError::Muted`] or [`ChatError::AllMuted`].
pub fn check_voice(conversation: &Conversation, member: &Member, now: DateTime<Utc>) -> Result<(), ChatError> {
    match member.muted_at(now) {
        Some(until) => Err(ChatError::Muted(until)),
        None if conversation.mute_all && !member.is_staff => Err(ChatError::AllMuted),
        None => Ok(()),
    }
}

/// Whether neither of two people blocks the other.
///
/// # Errors
/// [`ChatError::Blocked`] or [`ChatError::NotTaken`].
pub fn check_blocks(blocks: BlockState) -> Result<(), ChatError> {
    match blocks {
        BlockState { own: true, .. } => Err(ChatError::Blocked),
        BlockState { theirs: true, .. } => Err(ChatError::NotTaken),
        BlockState { own: false, theirs: false } => Ok(()),
    }
}

/// Whether a member is one still.
///
/// # Errors
/// [`ChatError::NotMember`].
pub fn check_present(member: &Member) -> Result<(), ChatError> {
    if member.until_seq.is_some() { Err(ChatError::NotMember) } else { Ok(()) }
}

/// Whether the sender opened a conversation that is not answered.
#[must_use]
pub fn waits_for_answer(conversation: &Conversation, sender: UserId) -> bool {
    !conversation.answered && conversation.opened_by == Some(sender)
}

/// How long a message can be edited.
const EDIT_WINDOW: TimeDelta = TimeDelta::hours(24);

/// Whether a user may edit a message.
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

    #[test]
    fn a_client_id_stands_for_address_content_and_privacy() {
        use crate::domains::chat::model::Target;
        use crate::ids::ConversationId;
        use sha2::{Digest, Sha256};
        let (content, address) = (text("\"你好\"\n"), Target::Conversation(ConversationId(7)));
        let draft =
            Draft { to: address, content: content.clone(), is_private: true, client_message_id: Some("a".into()) };
        let client_id = check_draft(draft).unwrap().client_id.unwrap();
        // As earlier versions stored it.
        let stored = serde_json::to_vec(&(("conversation", 7), content, true)).unwrap();
        assert_eq!(client_id.input_hash(address), Sha256::digest(stored).to_vec());
        assert_ne!(client_id.input_hash(Target::User(UserId(7))), client_id.input_hash(address));
    }
}
