//! Inputs and payloads of chat.

use std::sync::Arc;

use async_graphql::{Enum, ID, InputObject, OneofObject, SimpleObject};

use super::{Conversation, Message};
use crate::domains::accounts::types::profile::CoordinatesInput;
use crate::domains::chat::model::{
    AttachedFile, CardKind, CardTarget, Content, Draft, Mentions, MessageCard, MessagePlace, PulledMessages,
    SentMessage, Target,
};
use crate::error::AppResult;
use crate::geo::GeoPoint;
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::scalars::mutation_id;
use crate::ids::{ConversationId, GroupId, ItemId, MediaId, MessageId, OrderId, TaskId, UserId};

/// Where a message or a marker goes: exactly one of these.
#[derive(OneofObject)]
pub enum MessageTarget {
    /// The direct conversation with this user; the first message makes it.
    UserId(ID),
    /// This conversation.
    ConversationId(ID),
    /// The conversation of this group.
    GroupId(ID),
}

impl MessageTarget {
    /// The typed target; `path` is the argument's.
    ///
    /// # Errors
    /// `NOT_FOUND` when the id is not of the right kind.
    pub fn parse(&self, path: &str) -> AppResult<Target> {
        match self {
            Self::UserId(id) => mutation_id(UserId::parse, id, &format!("{path}.userId")).map(Target::User),
            Self::ConversationId(id) => {
                mutation_id(ConversationId::parse, id, &format!("{path}.conversationId")).map(Target::Conversation)
            }
            Self::GroupId(id) => mutation_id(GroupId::parse, id, &format!("{path}.groupId")).map(Target::Group),
        }
    }
}

/// Words.
#[derive(InputObject)]
pub struct TextContentInput {
    /// The words: not empty, at most 8,000 characters and 64,000 bytes.
    pub text: String,
}

/// One of the viewer's own files as a picture, sound or a video, which it has to be. Where a picture is, its size and its
/// thumbnail come from the file.
#[derive(InputObject)]
pub struct MediaContentInput {
    /// Global id of the file, from `uploadFile` or `completeUpload`. It can't be deleted while the message shows it.
    media_id: ID,
    /// How long it plays, 0 to 86,400; not for pictures.
    duration_seconds: Option<i32>,
    /// Where the sender's device has it, at most 500 characters; given back to the sender alone.
    local_path: Option<String>,
}

/// One of the viewer's own files, of any kind.
#[derive(InputObject)]
pub struct FileContentInput {
    /// Global id of the file, from `uploadFile` or `completeUpload`. It can't be deleted while the message shows it.
    media_id: ID,
    /// What to call it: one line of 1 to 200 characters. The file's own name where none is given.
    file_name: Option<String>,
    /// Where the sender's device has it, at most 500 characters; given back to the sender alone.
    local_path: Option<String>,
}

/// A place.
#[derive(InputObject)]
pub struct LocationContentInput {
    /// Where it is; shown exactly so to those who see the message.
    coordinates: CoordinatesInput,
    /// What it is called: one line of 1 to 100 characters.
    name: Option<String>,
    /// Its address: one line of 1 to 200 characters.
    address: Option<String>,
}

/// What a message says: exactly one of these.
#[derive(OneofObject)]
pub enum MessageContentInput {
    /// Words.
    Text(TextContentInput),
    /// A picture.
    Picture(MediaContentInput),
    /// Sound.
    Voice(MediaContentInput),
    /// Moving pictures.
    Video(MediaContentInput),
    /// A place.
    Location(LocationContentInput),
    /// Any file, to be downloaded.
    File(FileContentInput),
    /// Something of Plaza's own.
    Card(CardContentInput),
}

impl MessageContentInput {
    /// The content that it is; `path` is the argument's.
    ///
    /// # Errors
    /// `NOT_FOUND` when the file's id is not of the right kind.
    fn parse(self, path: &str) -> AppResult<Content> {
        Ok(match self {
            Self::Text(TextContentInput { text }) => Content::Text { text },
            Self::Picture(input) => Content::Picture(input.parse(&format!("{path}.picture"))?),
            Self::Voice(input) => Content::Voice(input.parse(&format!("{path}.voice"))?),
            Self::Video(input) => Content::Video(input.parse(&format!("{path}.video"))?),
            Self::Location(input) => Content::Location(input.into()),
            Self::File(FileContentInput { media_id, file_name, local_path }) => {
                let media = mutation_id(MediaId::parse, &media_id, &format!("{path}.file.mediaId"))?;
                // A name, not a path.
                let name = |given: String| given.rsplit(['/', '\\']).next().unwrap_or_default().trim().to_owned();
                let file_name = file_name.map(name).filter(|name| !matches!(name.as_str(), "." | ".."));
                Content::File(AttachedFile { media, duration_seconds: None, file_name, local_path })
            }
            Self::Card(input) => Content::Card(input.parse(&format!("{path}.card"))?),
        })
    }
}

impl MediaContentInput {
    fn parse(self, path: &str) -> AppResult<AttachedFile> {
        let Self { media_id, duration_seconds, local_path } = self;
        let media = mutation_id(MediaId::parse, &media_id, &format!("{path}.mediaId"))?;
        Ok(AttachedFile { media, duration_seconds, file_name: None, local_path })
    }
}

impl From<LocationContentInput> for MessagePlace {
    fn from(LocationContentInput { coordinates, name, address }: LocationContentInput) -> Self {
        let GeoPoint { longitude, latitude } = coordinates.into();
        let trimmed = |line: Option<String>| line.map(|line| line.trim().to_owned());
        Self { longitude, latitude, name: trimmed(name), address: trimmed(address) }
    }
}

/// Something of Plaza's own, which the viewer may see: exactly one of these.
#[derive(OneofObject)]
pub enum CardContentInput {
    /// Global id of an item of the market.
    ItemId(ID),
    /// Global id of a task.
    TaskId(ID),
    /// Global id of an order of the points store. Other users see the order only if they may see it anyway.
    OrderId(ID),
    /// Global id of a user.
    UserId(ID),
    /// Global id of a group.
    GroupId(ID),
}

impl CardContentInput {
    fn parse(&self, path: &str) -> AppResult<CardTarget> {
        let (kind, id) = match self {
            Self::ItemId(id) => (CardKind::Item, mutation_id(ItemId::parse, id, &format!("{path}.itemId"))?.0),
            Self::TaskId(id) => (CardKind::Task, mutation_id(TaskId::parse, id, &format!("{path}.taskId"))?.0),
            Self::OrderId(id) => (CardKind::Order, mutation_id(OrderId::parse, id, &format!("{path}.orderId"))?.0),
            Self::UserId(id) => (CardKind::User, mutation_id(UserId::parse, id, &format!("{path}.userId"))?.0),
            Self::GroupId(id) => (CardKind::Group, mutation_id(GroupId::parse, id, &format!("{path}.groupId"))?.0),
        };
        Ok(CardTarget { kind, id })
    }
}

/// A message to send.
#[derive(InputObject)]
pub struct SendMessageInput {
    /// Where it goes.
    to: MessageTarget,
    /// What it says.
    content: MessageContentInput,
    /// Client-side encrypted; the content is opaque to the server.
    #[graphql(default)]
    is_private: bool,
    /// Global id of the message that it answers: one of the same conversation that the viewer may see.
    reply_to_id: Option<ID>,
    /// Global ids of the members mentioned in it, at most 20, each taken once.
    mention_user_ids: Option<Vec<ID>>,
    /// Mentions all members of a group; for its owner and managers.
    mention_all: Option<bool>,
    /// Your own key for the message, 1 to 64 characters; the same key returns the same message, for ever.
    client_message_id: Option<String>,
}

impl SendMessageInput {
    /// The message to be.
    ///
    /// # Errors
    /// `NOT_FOUND` when an id is not of the right kind.
    pub fn parse(self) -> AppResult<Draft> {
        let reply_to = |id: ID| mutation_id(MessageId::parse, &id, "input.replyToId");
        let mut mentions = Mentions { users: Vec::new(), all: self.mention_all.unwrap_or_default() };
        for (place, id) in self.mention_user_ids.iter().flatten().enumerate() {
            let user = mutation_id(UserId::parse, id, &format!("input.mentionUserIds.{place}"))?;
            if !mentions.users.contains(&user) {
                mentions.users.push(user);
            }
        }
        Ok(Draft {
            to: self.to.parse("input.to")?,
            content: self.content.parse("input.content")?,
            is_private: self.is_private,
            reply_to: self.reply_to_id.map(reply_to).transpose()?,
            mentions,
            forwards: None,
            refused: None,
            client_message_id: self.client_message_id,
        })
    }
}

/// For which users a message is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum DeleteScope {
    /// For the viewer alone.
    ForMe,
    /// For all members.
    ForEveryone,
}

/// What sending or changing a message gives.
#[derive(SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct MessagePayload {
    /// The message; null when it was refused.
    message: Option<Message>,
    /// The message had been sent before, with this `clientMessageId`.
    deduplicated: bool,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl MessagePayload {
    /// A message was sent, or had been.
    #[must_use]
    pub fn sent(sent: SentMessage) -> Self {
        let SentMessage { message, sender, conversation, deduplicated } = sent;
        let message = match sender {
            Some(sender) => Message::card(Arc::new(MessageCard { message, sender, conversation, reactions: None })),
            None => Message::row(message, conversation),
        };
        Self { message: Some(message), deduplicated, user_errors: Vec::new() }
    }
}

impl Payload for MessagePayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { message: None, deduplicated: false, user_errors }
    }
}

/// Messages that had not been fetched.
#[derive(SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct PullMessagesPayload {
    /// The messages, by conversation and `seq`.
    messages: Vec<Message>,
    /// Whether more may wait: pull again.
    has_more: bool,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl PullMessagesPayload {
    /// What was pulled.
    #[must_use]
    pub fn of(PulledMessages { messages, has_more }: PulledMessages) -> Self {
        let messages = messages.into_iter().map(|message| Message::row(message, None)).collect();
        Self { messages, has_more, user_errors: Vec::new() }
    }
}

impl Payload for PullMessagesPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { messages: Vec::new(), has_more: false, user_errors }
    }
}

/// What moving a marker, or changing what a conversation is for the viewer, gives.
#[derive(SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ConversationPayload {
    /// The conversation as it is then; null when it was refused, or when all conversations were meant.
    conversation: Option<Conversation>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl ConversationPayload {
    /// A marker was moved, or a setting changed; or all was so already.
    #[must_use]
    pub fn of(conversation: Option<Conversation>) -> Self {
        Self { conversation, user_errors: Vec::new() }
    }
}

impl Payload for ConversationPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { conversation: None, user_errors }
    }
}
