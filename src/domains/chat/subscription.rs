//! Subscriptions of chat.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use futures_util::{Stream, StreamExt};

use super::service;
use super::types::Conversation;
use super::types::event::{MessageReceived, TypingEvent};
use crate::error::{AppError, AppResult};
use crate::events::EventKind;
use crate::graphql::context::PlazaContext;
use crate::graphql::live::{follow, resume};
use crate::graphql::scalars::query_id;
use crate::ids::ConversationId;
use crate::live::typing::TypingSubscription;
use crate::live::{Event, EventPayload};

/// Those of a conversation.
const CONVERSATION_KINDS: &[EventKind] = &[
    EventKind::MessageCreated,
    EventKind::MessageUpdated,
    EventKind::MessageRevoked,
    EventKind::MessageDeleted,
    EventKind::ConversationRead,
    EventKind::ConversationChanged,
];

/// Subscriptions of chat.
#[derive(Default)]
pub struct ChatSubscription;

/// The conversation that is asked for, if the viewer may follow it.
///
/// # Errors
/// `FORBIDDEN` for one that the viewer never was a member of.
pub async fn followed(ctx: &Context<'_>, id: Option<ID>) -> AppResult<Option<ConversationId>> {
    let conversation = id.map(|id| query_id(ConversationId::parse, &id, "conversationId")).transpose()?;
    if let Some(conversation) = conversation {
        let (app, viewer) = (ctx.app()?, ctx.viewer()?.user_id);
        service::check_may_follow(&app.database.lease(), viewer, conversation).await?;
    }
    Ok(conversation)
}

/// Subscriptions of chat.
#[Subscription]
impl ChatSubscription {
    /// New messages in every conversation of the viewer's, their own from other devices included. With `after`, first
    /// what was missed, then live: in order, none lost, none twice. Errors: `CURSOR_EXPIRED`, `FORBIDDEN` for a
    /// conversation that the viewer never was a member of.
    async fn message_received(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In this conversation alone.")] conversation_id: Option<ID>,
        #[graphql(desc = "Any stream cursor: eventCursor, or an event's. Without one, from now on.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = AppResult<MessageReceived>> + use<>, AppError> {
        ctx.viewer()?;
        let conversation = followed(ctx, conversation_id).await?;
        let stream = resume(ctx, &[EventKind::MessageCreated], conversation, after).await?;
        Ok(stream.filter_map(async |event| event.map(|event| MessageReceived::of(&event)).transpose()))
    }

    /// Conversations of the viewer's in which a message was sent, edited, revoked or deleted, that were read, by the viewer on any
    /// of their devices or, in a direct conversation, by the other person, or that the viewer pinned or muted. Nothing is
    /// replayed: fetch the list anew after a reconnect. What depends on the viewer costs statements.
    async fn conversation_updated(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = AppResult<Conversation>> + use<>, AppError> {
        let stream = follow(ctx, CONVERSATION_KINDS, None, None).await?;
        Ok(stream.filter_map(async |event| event.map(|event| updated(&event)).transpose()))
    }

    /// Who is typing in the viewer's conversations, without the viewer. Told once and never replayed; nothing of a conversation
    /// that they are no longer a member of. What depends on the viewer costs statements. Error: `FORBIDDEN` for a conversation
    /// that the viewer never was a member of.
    async fn typing(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In this conversation alone.")] conversation_id: Option<ID>,
    ) -> Result<impl Stream<Item = AppResult<TypingEvent>> + use<>, AppError> {
        let viewer = ctx.viewer()?.user_id;
        let conversation = followed(ctx, conversation_id).await?;
        let subscription = TypingSubscription::open(Arc::clone(ctx.live()?), viewer, conversation).await?;
        Ok(subscription.into_stream().map(|notice| Ok(TypingEvent::of(&notice))))
    }
}

fn updated(event: &Event) -> Option<Conversation> {
    match event.payload()? {
        EventPayload::Message(card) => card.conversation.clone().map(Conversation::shared),
        EventPayload::Marker { conversation, .. } | EventPayload::Conversation(conversation) => {
            Some(Conversation::shared(conversation))
        }
        EventPayload::Members(_)
        | EventPayload::Item(_)
        | EventPayload::Task(_)
        | EventPayload::Order(_)
        | EventPayload::Ticket(_)
        | EventPayload::FriendRequest(_)
        | EventPayload::Friend { .. }
        | EventPayload::Group(_)
        | EventPayload::GroupMember { .. }
        | EventPayload::GroupDissolved(_)
        | EventPayload::JoinRequest(_)
        | EventPayload::Merchant(_)
        | EventPayload::Deleted => None,
    }
}
