//! A message and what it holds.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};

use super::Conversation;
use super::content::MessageContent;
use crate::domains::accounts::types::{User, UserRelation};
use crate::domains::chat::loader::{ConversationById, MessageRepliedTo, ProgressIn, ReactionsOf, ViewerMembership};
use crate::domains::chat::model::{
    self, ConversationCard, MemberProgress, MessageCard, MessageStatus, MessageType, Reaction,
};
use crate::domains::chat::service;
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{Concrete, Relation, plain, plain_enums, plain_struct};
use crate::graphql::scalars::DateTime;
use crate::page::PageArgs;

/// A message. On a live message `id`, `seq`, `sender`, `type`, `content` and `conversation { id kind title }` cost no
/// statement; `delivered` and `readByCount` cost one, as does `replyTo` where the message answers another.
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

    /// The message that it answers. Where all who see this one see that one as well, nothing depends on the viewer, and the
    /// answer to a subscription is shared.
    async fn find_reply(&self, ctx: &Context<'_>, seq: i32) -> AppResult<Option<Self>> {
        let (loaders, conversation) = (ctx.loaders()?, self.message().conversation_id);
        let Some(replied) = loaders.find::<MessageRepliedTo>((conversation, seq)).await? else { return Ok(None) };
        if !replied.is_seen_by_all {
            let member = loaders.find::<ViewerMembership>(conversation).await?;
            if !member.is_some_and(|member| member.window().shows_message(seq)) {
                return Ok(None);
            }
        }
        Ok(Some(Self { row: MessageRow::Card(replied.card), conversation: self.conversation.clone() }))
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
/// statement; `delivered` and `readByCount` cost one, as does `replyTo` where the message answers another.
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

    /// Who sent it; null for one that tells of a group's members.
    fn sender(&self) -> Option<UserRelation> {
        let is_sent = self.message().type_ != MessageType::System;
        is_sent.then(|| match &self.row {
            MessageRow::Card(card) => Relation::Here(User(Arc::clone(&card.sender))),
            MessageRow::Alone(message) => User::by_id(message.sender_id),
        })
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
        content.map(|content| MessageContent::concrete(content, message.sender_id))
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

    /// The message of the same conversation that it answers, as it is now: its content is null once revoked or deleted. Null when
    /// it answers none, and when the viewer may not see that one, as from before they came. Costs a statement for a whole page.
    async fn reply_to(&self, ctx: &Context<'_>) -> Option<AppResult<Self>> {
        let seq = self.message().marks.as_ref()?.reply?;
        self.find_reply(ctx, seq).await.transpose()
    }

    /// The users mentioned in it by name, at most 20; none once revoked or deleted. They cost one statement for a whole page, unless
    /// all were seen lately.
    fn mentions(&self) -> Vec<UserRelation> {
        let marks = self.message().marks.as_ref();
        let users = marks.and_then(|marks| marks.mentions.as_ref()).into_iter().flatten();
        users.map(|user| User::by_id(*user)).collect()
    }

    /// Whether it mentions all members of the group.
    fn mentions_all(&self) -> bool {
        self.message().marks.as_ref().is_some_and(|marks| marks.all)
    }

    /// Whether its content was taken over from another message, by `forwardMessage`.
    fn is_forwarded(&self) -> bool {
        self.message().marks.as_ref().is_some_and(|marks| marks.forwarded)
    }

    /// The reactions, by emoji, the first one first; at most 20. They cost one statement for a whole page where there are any, and
    /// none on a live message.
    async fn reactions(&self, ctx: &Context<'_>) -> AppResult<Vec<ReactionGroup>> {
        if self.message().reaction_count() == 0 {
            return Ok(Vec::new());
        }
        let loaded = match &self.row {
            MessageRow::Card(card) => card.reactions.clone(),
            MessageRow::Alone(_) => None,
        };
        let reactions = match loaded {
            Some(reactions) => Some(reactions),
            None => ctx.loaders()?.find::<ReactionsOf>(self.message().id).await?,
        };
        let viewer = ctx.viewer()?.user_id;
        let group = |reaction: &Reaction| ReactionGroup {
            emoji: reaction.emoji.clone(),
            count: i32::try_from(reaction.users.len()).unwrap_or(i32::MAX),
            viewer_reacted: reaction.users.contains(&viewer),
        };
        Ok(reactions.iter().flat_map(|reactions| reactions.iter()).map(group).collect())
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

    /// The other users who have read it, by id. Where a group hides its members, only its owner, managers and friends of the viewer.
    /// Costs a statement for each message.
    async fn read_by(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many, 1 to 100; 20 where none is given.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
    ) -> AppResult<Connection<User>> {
        let message = self.message().clone();
        let page = PageArgs { first, after, last: None, before: None }.request(format!("readers:{}", message.id.0))?;
        let rows = service::list_readers(ctx.scope()?, &message, &page).await?;
        let message = Arc::new(message);
        Ok(Connection::new(
            rows,
            |user| User(Arc::new(user)),
            move |scope, bound| {
                let message = Arc::clone(&message);
                Box::pin(async move { service::count_readers(scope, &message, bound).await })
            },
        ))
    }

    /// When it was last edited; null for never.
    fn edited_at(&self) -> Option<DateTime> {
        let edited = self.message().marks.as_ref()?.edited?;
        chrono::DateTime::from_timestamp_micros(edited).map(Into::into)
    }

    /// When it was revoked; null for never, and once deleted.
    fn revoked_at(&self) -> Option<DateTime> {
        let message = self.message();
        (message.status == MessageStatus::Revoked).then(|| message.updated_at.into())
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
    "mentions" => mentions,
    "mentionsAll" => mentions_all,
    "isForwarded" => is_forwarded,
    "editedAt" => edited_at,
    "revokedAt" => revoked_at,
    "createdAt" => created_at,
    "updatedAt" => updated_at,
});

plain_enums!(MessageType, MessageStatus);

/// An emoji on a message.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ReactionGroup {
    /// The emoji.
    emoji: String,
    /// How many users put it there.
    count: i32,
    /// Whether the viewer is one of them.
    viewer_reacted: bool,
}

plain_struct!(ReactionGroup { "emoji" => emoji, "count" => count, "viewerReacted" => viewer_reacted });
