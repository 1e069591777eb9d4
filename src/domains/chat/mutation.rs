//! Mutations of chat.

use async_graphql::{Context, ID, Object};

use super::service::{markers, send};
use super::types::Conversation;
use super::types::input::{ConversationPayload, MessagePayload, MessageTarget, SendMessageInput};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::scalars::mutation_id;
use crate::ids::MessageId;

/// Mutations of chat.
#[derive(Default)]
pub struct ChatMutation;

/// Mutations of chat.
#[Object(crate = "crate::graphql::eager")]
impl ChatMutation {
    /// Sends a message. To a person who has not answered yet one sends a bounded number, and one starts a bounded number of
    /// conversations a day. User errors: `INVALID_INPUT` (empty), `MESSAGE_TOO_LARGE`, `NOT_FOUND`, `NOT_MEMBER`,
    /// `CONFLICT` while they don't answer, `RATE_LIMITED` for too many new conversations,
    /// `IDEMPOTENCY_MISMATCH`.
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message and where it goes.")] input: SendMessageInput,
    ) -> Option<AppResult<MessagePayload>> {
        let sent = async { send::send_message(ctx.scope()?, input.parse()?).await };
        mutation(ctx, sent, MessagePayload::sent).await
    }

    /// Replaces the text of one's own message, for 24 hours. User errors: `NOT_FOUND`, `FORBIDDEN`, `NOT_MEMBER`, `RATE_LIMITED`,
    /// `EDIT_WINDOW_PASSED`, `INVALID_INPUT` (empty), `MESSAGE_TOO_LARGE`.
    async fn edit_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message's global id.")] id: ID,
        #[graphql(desc = "The new words: not empty, at most 8,000 characters and 64,000 bytes.")] text: String,
    ) -> Option<AppResult<MessagePayload>> {
        let edited = async {
            let id = mutation_id(MessageId::parse, &id, "id")?;
            send::edit_message(ctx.scope()?, id, text).await
        };
        mutation(ctx, edited, MessagePayload::sent).await
    }

    /// Marks what the viewer's devices have received; pushing alone never marks. Never moves back. User errors:
    /// `NOT_FOUND`, `INVALID_INPUT`.
    async fn mark_conversation_delivered(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The conversation.")] to: MessageTarget,
        #[graphql(desc = "The last message received, by seq.")] up_to_seq: i32,
    ) -> Option<AppResult<ConversationPayload>> {
        let marked = async { markers::mark_delivered(ctx.scope()?, to.parse("to")?, up_to_seq).await };
        mutation(ctx, marked, |seen| ConversationPayload::of(Some(Conversation::seen(seen)))).await
    }

    /// Marks a conversation as read; without a target, everything of the viewer's. Never moves back. User errors:
    /// `NOT_FOUND`, `INVALID_INPUT` (a negative seq, or a seq without a target).
    async fn mark_conversation_read(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The conversation; everything where none is given.")] to: Option<MessageTarget>,
        #[graphql(desc = "The last message read, by seq; the newest where none is given.")] up_to_seq: Option<i32>,
    ) -> Option<AppResult<ConversationPayload>> {
        let marked = async {
            let scope = ctx.scope()?;
            let Some(to) = to else { return markers::mark_all_read(scope, up_to_seq).await.map(|()| None) };
            markers::mark_read(scope, to.parse("to")?, up_to_seq).await.map(Some)
        };
        mutation(ctx, marked, |seen| ConversationPayload::of(seen.map(Conversation::seen))).await
    }
}
