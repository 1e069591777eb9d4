//! Subscriptions of chat.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use futures_util::{Stream, StreamExt, TryStreamExt};

use super::service;
use super::types::Conversation;
use super::types::event::{MessageReceived, ViewerEvent};
use crate::error::{AppError, AppResult};
use crate::events::resume::Resume;
use crate::events::{Event, EventKind, Payload, StreamCursor};
use crate::graphql::context::PlazaContext;
use crate::graphql::live::{as_seen, follow};
use crate::graphql::scalars::query_id;
use crate::ids::ConversationId;

/// The kinds of event that clients know.
pub const EVENT_KINDS: &[EventKind] = &[
    EventKind::MessageCreated,
    EventKind::MessageUpdated,
    EventKind::ConversationRead,
    EventKind::ItemTraded,
    EventKind::TaskChanged,
    EventKind::OrderChanged,
    EventKind::TicketChanged,
];

/// Those of a conversation.
const CONVERSATION_KINDS: &[EventKind] =
    &[EventKind::MessageCreated, EventKind::MessageUpdated, EventKind::ConversationRead];

/// Subscriptions of chat.
#[derive(Default)]
pub struct ChatSubscription;

/// Opens the viewer's subscription to some kinds of event.
async fn open(
    ctx: &Context<'_>,
    kinds: &'static [EventKind],
    conversation_id: Option<ID>,
    after: Option<StreamCursor>,
) -> AppResult<impl Stream<Item = AppResult<Arc<Event>>> + use<>> {
    let (app, viewer) = (ctx.app()?, ctx.viewer()?.user_id);
    let conversation = conversation_id.map(|id| query_id(ConversationId::parse, &id, "conversationId")).transpose()?;
    if let Some(conversation) = conversation {
        service::check_may_follow(&app.database.lease(), viewer, conversation).await?;
    }
    follow(ctx, kinds, conversation, after).await
}

/// Opens a subscription that can be resumed: behind `after`, or where the transport says.
async fn resume(
    ctx: &Context<'_>,
    kinds: &'static [EventKind],
    conversation_id: Option<ID>,
    after: Option<String>,
) -> AppResult<impl Stream<Item = AppResult<Arc<Event>>> + use<>> {
    let resume = ctx.data_opt::<Resume>().cloned().unwrap_or_default();
    let after = match resume.start() {
        Some(cursor) => Some(cursor),
        None => after.map(|text| StreamCursor::parse(&text)).transpose()?,
    };
    let stream = open(ctx, kinds, conversation_id, after).await?;
    Ok(stream.inspect_ok(move |event| resume.note(StreamCursor::after(event))))
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
        let stream = resume(ctx, &[EventKind::MessageCreated], conversation_id, after).await?;
        Ok(stream.filter_map(async |event| event.map(|event| MessageReceived::of(&event)).transpose()))
    }

    /// Conversations of the viewer's in which a message was sent or edited, or that were read, by the viewer, on
    /// whatever device, or by the other members. Nothing is replayed: fetch the list anew after a reconnect. What depends
    /// on the viewer costs statements.
    async fn conversation_updated(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = AppResult<Conversation>> + use<>, AppError> {
        let stream = open(ctx, CONVERSATION_KINDS, None, None).await?;
        Ok(stream.filter_map(async |event| event.map(|event| updated(&event)).transpose()))
    }

    /// Everything durable that concerns the viewer, resumable from a cursor. Error: `CURSOR_EXPIRED`.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Any stream cursor: eventCursor, or an event's. Without one, from now on.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = AppResult<ViewerEvent>> + use<>, AppError> {
        let events = resume(ctx, EVENT_KINDS, None, after).await?;
        as_seen(ctx, events, |_| true, ViewerEvent::of)
    }
}

fn updated(event: &Event) -> Option<Conversation> {
    match &event.payload {
        Payload::Message(card) => card.get().conversation.clone().map(Conversation::shared),
        Payload::Marker { conversation, .. } => Some(Conversation::shared(Arc::clone(conversation))),
        _ => None,
    }
}
