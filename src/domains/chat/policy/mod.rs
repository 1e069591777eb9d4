//! What may be said, and by which members, as pure functions; what a message may hold in [`content`].

pub mod content;

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{
    ChatError, ClientId, Content, Conversation, ConversationView, Draft, HeldMessage, Member, Mentions, Message,
    MessageStatus, MessageType, ReplyTarget, SendMessage, TargetView,
};
use crate::domains::relations::model::BlockState;
use crate::error::UserError;
use crate::ids::{ConversationId, MessageId, UserId};
use crate::text::{check_length, is_storable};

/// Conversations that a user may pin.
pub const PINNED_LIMIT: i64 = 100;

/// Messages of a conversation that a member deletes for themselves: instances have them in memory for those who listen.
pub const HIDDEN_LIMIT: i32 = 1000;

/// Users mentioned by name in a message; `graphql/document/sizes` counts as many.
pub const MENTIONED_LIMIT: usize = 20;

/// Different emoji on a message; `graphql/document/sizes` counts as many.
pub const EMOJI_LIMIT: i64 = 20;

/// Reactions to a message.
pub const REACTION_LIMIT: i64 = 2000;

/// Members whose read markers are shown at most, of each conversation; `graphql/document/sizes` counts as many.
pub const MOST_READERS: i64 = 30;

/// The message that a draft is, if it can be sent by anyone to anyone.
///
/// # Errors
/// [`ChatError::ClientIdUnusable`], or as [`content::check_content`], at the argument.
pub fn check_draft(draft: Draft) -> Result<SendMessage, UserError> {
    let Draft { to, content, is_private, reply_to, mentions, forwards, refused, client_message_id } = draft;
    check_client_message_id(client_message_id.as_deref()).map_err(|error| error.at("input.clientMessageId"))?;
    content::check_content(&content)?;
    if mentions.users.len() > MENTIONED_LIMIT {
        return Err(ChatError::TooManyMentions(MENTIONED_LIMIT).at("input.mentionUserIds"));
    }
    let mut message = SendMessage { to, content, is_private, reply_to, mentions, forwards, refused, client_id: None };
    message.client_id = client_message_id.map(|id| ClientId { id, input: hashed_input(&message) });
    Ok(message)
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

/// The part of what a client id stands for that doesn't depend on the address. What a message has not is not hashed, as earlier
/// versions did; of one that forwards another one that one is, which may be edited and go.
fn hashed_input(message: &SendMessage) -> Vec<u8> {
    let SendMessage { content, is_private, reply_to, mentions: Mentions { users, all }, forwards, .. } = message;
    if let Some(MessageId(id)) = forwards {
        return format!("\"forward\",{id}]").into_bytes();
    }
    let mut input = serde_json::to_vec(content).unwrap_or_default();
    input.extend_from_slice(if *is_private { b",true" } else { b",false" });
    if let Some(MessageId(id)) = reply_to {
        input.extend_from_slice(format!(",{id}").as_bytes());
    }
    if !users.is_empty() {
        let users: Vec<i64> = users.iter().map(|user| user.0).collect();
        input.extend_from_slice(format!(",mentions{users:?}").as_bytes());
    }
    if *all {
        input.extend_from_slice(b",all");
    }
    input.push(b']');
    input
}

/// Whether a message that is answered is one of the conversation that the answer goes to.
///
/// # Errors
/// [`ChatError::NoSuchMessage`].
pub fn check_reply(reply: Option<ReplyTarget>, conversation: ConversationId) -> Result<(), ChatError> {
    let is_elsewhere = reply.is_some_and(|reply| reply.conversation != conversation);
    if is_elsewhere { Err(ChatError::NoSuchMessage) } else { Ok(()) }
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

/// How long a message can be taken back by its sender.
const REVOKE_WINDOW: TimeDelta = TimeDelta::minutes(2);

/// The membership of a user who sees a message and is still a member.
///
/// # Errors
/// [`ChatError::NoSuchMessage`] or [`ChatError::NotMember`].
pub fn check_seeing(held: &HeldMessage) -> Result<&Member, ChatError> {
    let member = held.member.as_ref().ok_or(ChatError::NoSuchMessage)?;
    check_present(member)?;
    Ok(member)
}

/// Whether a user may take a message back, as it is now.
///
/// # Errors
/// [`ChatError::NoSuchMessage`], [`ChatError::NotMember`], [`ChatError::Gone`], [`ChatError::NotRevocable`] or
/// [`ChatError::RevokeWindowPassed`].
pub fn check_revoker(held: &HeldMessage, now: DateTime<Utc>) -> Result<(), ChatError> {
    let member = check_seeing(held)?;
    let message = &held.message;
    if message.type_ == MessageType::System {
        return Err(ChatError::NotRevocable);
    }
    match (message.sender_id == member.user_id, member.is_staff) {
        (false, false) => Err(ChatError::NotRevocable),
        _ if message.status != MessageStatus::Normal => Err(ChatError::Gone),
        (true, false) if now - message.created_at > REVOKE_WINDOW => Err(ChatError::RevokeWindowPassed),
        _ => Ok(()),
    }
}

/// Whether a user may delete a message for everyone: its sender, also after they left, and administrators, whether they see it
/// or not.
///
/// # Errors
/// [`ChatError::NoSuchMessage`] or [`ChatError::NotDeletable`].
pub fn check_deleter(held: &HeldMessage, viewer: UserId, is_admin: bool) -> Result<(), ChatError> {
    let is_system = held.message.type_ == MessageType::System;
    match &held.member {
        _ if is_admin => Ok(()),
        None => Err(ChatError::NoSuchMessage),
        Some(_) if held.message.sender_id == viewer && !is_system => Ok(()),
        Some(_) => Err(ChatError::NotDeletable),
    }
}

/// Whether a user may react to a message, as it is now: if they could send to its conversation.
///
/// # Errors
/// [`ChatError::NoSuchMessage`], [`ChatError::NotMember`], [`ChatError::Gone`], [`ChatError::Blocked`], [`ChatError::NotTaken`],
/// [`ChatError::NotAnswered`], [`ChatError::Muted`] or [`ChatError::AllMuted`].
pub fn check_reacting(held: &HeldMessage, now: DateTime<Utc>) -> Result<(), ChatError> {
    let member = check_seeing(held)?;
    if held.message.status != MessageStatus::Normal {
        return Err(ChatError::Gone);
    }
    check_blocks(held.conversation.blocks(member.user_id))?;
    if waits_for_answer(&held.conversation, member.user_id) {
        return Err(ChatError::NotAnswered);
    }
    check_voice(&held.conversation, member, now)
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
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_client_id_stands_for_address_content_and_privacy() {
        use crate::domains::chat::model::Target;
        use sha2::{Digest, Sha256};
        let content = Content::Text { text: "\"你好\"\n".to_owned() };
        let address = Target::Conversation(ConversationId(7));
        let draft = Draft {
            to: address,
            content: content.clone(),
            is_private: true,
            reply_to: None,
            mentions: Mentions::default(),
            forwards: None,
            refused: None,
            client_message_id: Some("a".into()),
        };
        let mentions = |users: &[i64], all| Mentions { users: users.iter().copied().map(UserId).collect(), all };
        let others = [
            Draft { reply_to: Some(MessageId(3)), ..draft.clone() },
            Draft { mentions: mentions(&[3], false), ..draft.clone() },
            Draft { mentions: mentions(&[3, 4], false), ..draft.clone() },
            Draft { mentions: mentions(&[], true), ..draft.clone() },
            Draft { forwards: Some(MessageId(3)), ..draft.clone() },
            Draft { is_private: false, ..draft.clone() },
        ];
        let client_id = check_draft(draft).unwrap().client_id.unwrap();
        let mut inputs: BTreeSet<_> = others.map(|other| check_draft(other).unwrap().client_id.unwrap().input).into();
        inputs.insert(client_id.input.clone());
        assert_eq!(inputs.len(), 7, "each stands for something else");
        // As earlier versions stored it.
        let stored = serde_json::to_vec(&(("conversation", 7), content, true)).unwrap();
        assert_eq!(client_id.input_hash(address), Sha256::digest(stored).to_vec());
        assert_ne!(client_id.input_hash(Target::User(UserId(7))), client_id.input_hash(address));
    }
}
