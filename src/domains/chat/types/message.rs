//! A message and what it holds.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject, Union};

use super::Conversation;
use crate::domains::accounts::types::{User, UserRelation};
use crate::domains::chat::loader::{ConversationById, ProgressIn};
use crate::domains::chat::model::{
    self, Content, ConversationCard, MemberProgress, MessageCard, MessageStatus, MessageType,
};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{Concrete, Relation, one_of, plain, plain_enums, plain_struct};
use crate::graphql::scalars::DateTime;

/// A message. On a live message `id`, `seq`, `sender`, `type`, `content` and `conversation { id kind title }` cost no
/// statement; `delivered` and `readByCount` cost one.
#[derive(Clone, Debug)]
pub struct Message {
    row: MessageRow,
    conversation: Option<Arc<ConversationCard>>,
}

#[derive(Clone, Debug)]
enum MessageRow {
    /// With its sender, shared.
    Card(Arc<MessageCard>),
    /// Alone, from a page; its sender is loaded with those of the others.
    Alone(Arc<model::Message>),
}

impl Message {
    /// With its sender, and with its conversation where that was loaded along.
    #[must_use]
    pub fn card(card: Arc<MessageCard>) -> Self {
        Self { conversation: card.conversation.clone(), row: MessageRow::Card(card) }
    }

    /// With its sender, within a conversation that is known.
    #[must_use]
    pub fn within(card: Arc<MessageCard>, conversation: Arc<ConversationCard>) -> Self {
        Self { conversation: Some(conversation), row: MessageRow::Card(card) }
    }

    /// Without its sender.
    #[must_use]
    pub fn row(message: model::Message, conversation: Option<Arc<ConversationCard>>) -> Self {
        Self { row: MessageRow::Alone(Arc::new(message)), conversation }
    }

    fn message(&self) -> &model::Message {
        match &self.row {
            MessageRow::Card(card) => &card.message,
            MessageRow::Alone(message) => message,
        }
    }

    /// How many members but the sender are as far as the message.
    async fn recipients_at(&self, ctx: &Context<'_>, marker: impl Fn(&MemberProgress) -> i32) -> AppResult<usize> {
        let loaders = ctx.loaders()?;
        let message = self.message();
        let members = loaders.find::<ProgressIn>(message.conversation_id).await?.unwrap_or_default();
        let has_arrived =
            |member: &&MemberProgress| member.user_id != message.sender_id && marker(member) >= message.seq;
        Ok(members.iter().filter(has_arrived).count())
    }
}

/// A message. On a live message `id`, `seq`, `sender`, `type`, `content` and `conversation { id kind title }` cost no
/// statement; `delivered` and `readByCount` cost one.
#[Object(crate = "crate::graphql::eager")]
impl Message {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.message().id.global()
    }

    /// Where it was said.
    async fn conversation(&self, ctx: &Context<'_>) -> AppResult<Conversation> {
        if let Some(card) = &self.conversation {
            return Ok(Conversation::shared(Arc::clone(card)));
        }
        let loaders = ctx.loaders()?;
        loaders.get::<ConversationById>(self.message().conversation_id).await.map(Conversation::shared)
    }

    /// Gap-free order within the conversation, from 1.
    fn seq(&self) -> i32 {
        self.message().seq
    }

    /// Who sent it.
    fn sender(&self) -> UserRelation {
        match &self.row {
            MessageRow::Card(card) => Relation::Here(User(Arc::clone(&card.sender))),
            MessageRow::Alone(message) => User::by_id(message.sender_id),
        }
    }

    /// What kind of content it has, or had.
    #[graphql(name = "type")]
    fn message_type(&self) -> MessageType {
        self.message().type_
    }

    /// What it says; null once revoked or deleted.
    fn content(&self) -> Option<Concrete<MessageContent>> {
        let message = self.message();
        let content = message.content.clone().filter(|_| message.status == MessageStatus::Normal);
        content.map(|content| Concrete(content.into()))
    }

    /// Client-side encrypted; the content is opaque to the server.
    fn is_private(&self) -> bool {
        self.message().is_private
    }

    /// What became of it.
    fn status(&self) -> MessageStatus {
        self.message().status
    }

    /// The key that the sender gave it; null for everybody else.
    fn client_message_id(&self, ctx: &Context<'_>) -> Option<AppResult<&str>> {
        let message = self.message();
        let own = ctx.viewer().map(|viewer| viewer.user_id == message.sender_id);
        own.map(|own| message.client_message_id.as_deref().filter(|_| own)).transpose()
    }

    /// True once any device of a recipient has fetched it. In a group that the viewer is no longer in, no other member counts.
    /// Costs a statement for a whole page.
    async fn delivered(&self, ctx: &Context<'_>) -> AppResult<bool> {
        Ok(self.recipients_at(ctx, |member| member.delivered_seq).await? > 0)
    }

    /// How many others have read it. In a group that the viewer is no longer in, no other member counts. Costs a statement for a
    /// whole page.
    async fn read_by_count(&self, ctx: &Context<'_>) -> AppResult<i32> {
        let readers = self.recipients_at(ctx, |member| member.read_seq).await?;
        Ok(i32::try_from(readers).unwrap_or(i32::MAX))
    }

    /// When it was last edited; null for never.
    fn edited_at(&self) -> Option<DateTime> {
        self.message().edited_at.map(Into::into)
    }

    /// When it was sent.
    fn created_at(&self) -> DateTime {
        self.message().created_at.into()
    }

    /// When anything of it last changed.
    fn updated_at(&self) -> DateTime {
        self.message().updated_at.into()
    }
}

plain!(Message [|message: &Message| message.message().id.parts()] {
    "seq" => seq,
    "sender" => sender,
    "type" => message_type,
    "content" => content,
    "isPrivate" => is_private,
    "status" => status,
    "clientMessageId" => client_message_id,
    "editedAt" => edited_at,
    "createdAt" => created_at,
    "updatedAt" => updated_at,
});

/// What a message says; later releases add kinds, so have a default branch, and show it as `UnsupportedContent`.
#[derive(Clone, Debug, Union)]
#[graphql(crate = "crate::graphql::eager")]
pub enum MessageContent {
    /// Words.
    Text(TextContent),
    /// What this version of the server can't show.
    Unsupported(UnsupportedContent),
}

plain_enums!(MessageType, MessageStatus);
plain_struct!(TextContent { "text" => text });
plain_struct!(UnsupportedContent { "contentType" => content_type });

one_of!(MessageContent { Text(TextContent), Unsupported(UnsupportedContent) });

/// Content that this version of the server doesn't know, while the server is being updated. Show a line in the message's
/// place, such as "This message can't be shown yet", with its sender and its time, and fetch it again later.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct UnsupportedContent {
    /// The content's type as newer versions name it, such as `IMAGE`: for logs, not for people; empty when unknown.
    content_type: String,
}

/// Words.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct TextContent {
    /// The words, 1 to 8,000 characters.
    text: String,
}

impl From<Content> for MessageContent {
    fn from(content: Content) -> Self {
        match content {
            Content::Text { text } => Self::Text(TextContent { text }),
            Content::Unknown { tag } => Self::Unsupported(UnsupportedContent { content_type: tag }),
        }
    }
}
