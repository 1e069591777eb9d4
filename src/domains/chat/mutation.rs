//! Mutations of chat.

use async_graphql::{Context, ID, Object};

use super::model::typing::TypingState;
use super::model::{Content, UpdateConversation};
use super::service::{fetched, forward, markers, react, removal, send, settings, typing};
use super::types::input::{
    ConversationPayload, DeleteScope, MessagePayload, MessageTarget, PullMessagesPayload, SendMessageInput,
};
use super::types::{Conversation, card};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::payload::{DeletePayload, OkPayload};
use crate::graphql::scalars::mutation_id;
use crate::ids::{ConversationId, MessageId};

/// Mutations of chat.
#[derive(Default)]
pub struct ChatMutation;

/// Mutations of chat.
#[Object(crate = "crate::graphql::eager")]
impl ChatMutation {
    /// Sends a message. To a person who has not answered yet one sends a bounded number, and one starts a bounded number of
    /// conversations a day. User errors: `INVALID_INPUT` (empty, no such place), `MESSAGE_TOO_LARGE`, `NOT_FOUND`, also for another
    /// user's file, for a message to answer or a card that the viewer may not see, and for a mention of a user who is no member,
    /// `FORBIDDEN` for a general member's mention of all, `FILE_TYPE_NOT_ALLOWED` for a file of another
    /// kind, `REQUIRED` and `TOO_LONG` for names and paths, `NOT_MEMBER`, `CONFLICT` while they don't answer, `RATE_LIMITED`
    /// for too many new conversations, `IDEMPOTENCY_MISMATCH`.
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message and where it goes.")] input: SendMessageInput,
    ) -> Option<AppResult<MessagePayload>> {
        let sent = async {
            let mut draft = input.parse()?;
            if let Content::Card(target) = &draft.content {
                draft.refused = Box::pin(card::check(ctx, *target)).await?;
            }
            send::send_message(ctx.scope()?, draft).await
        };
        mutation(ctx, sent, MessagePayload::sent).await
    }

    /// Takes a message back: its content, mentions and reactions are gone for all, and its place stays. One's own for 2 minutes;
    /// the owner and managers of a group any message there at any time. User errors: `NOT_FOUND`, `NOT_MEMBER`, `FORBIDDEN`,
    /// `REVOKE_WINDOW_PASSED`, `CONFLICT` where it was revoked or deleted before.
    async fn revoke_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message's global id.")] id: ID,
    ) -> Option<AppResult<MessagePayload>> {
        let revoked = async {
            let id = mutation_id(MessageId::parse, &id, "id")?;
            removal::revoke_message(ctx.scope()?, id).await
        };
        mutation(ctx, revoked, MessagePayload::sent).await
    }

    /// Deletes a message. For oneself alone: any that one sees, whose place then has nothing for the viewer, while a message that
    /// answers it still shows it. For everyone, whose content is gone then: its sender at any time, and administrators. User
    /// errors: `NOT_FOUND`, `FORBIDDEN`.
    async fn delete_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message's global id.")] id: ID,
        #[graphql(desc = "For which users it is gone.", default_with = "DeleteScope::ForMe")] scope: DeleteScope,
    ) -> Option<AppResult<DeletePayload>> {
        let deleted = async {
            let message = mutation_id(MessageId::parse, &id, "id")?;
            match scope {
                DeleteScope::ForMe => removal::delete_for_viewer(ctx.scope()?, message).await?,
                DeleteScope::ForEveryone => removal::delete_for_everyone(ctx.scope()?, message).await?,
            }
            Ok(message)
        };
        mutation(ctx, deleted, |message| DeletePayload::deleted(message.global())).await
    }

    /// Sends what a message holds to another conversation, marked as forwarded, without its mentions and what it answers. A file becomes
    /// the viewer's own as well. User errors: `NOT_FOUND`, `CONFLICT` for a message that was revoked or deleted, `FORBIDDEN` for an
    /// encrypted one, `TOO_MANY_FILES`; and those of `sendMessage`.
    async fn forward_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message's global id.")] id: ID,
        #[graphql(desc = "Where it goes.")] to: MessageTarget,
        #[graphql(desc = "Your own key for the new message, as in `sendMessage`.")] client_message_id: Option<String>,
    ) -> Option<AppResult<MessagePayload>> {
        let sent = async {
            let id = mutation_id(MessageId::parse, &id, "id")?;
            forward::forward_message(ctx.scope()?, id, to.parse("to")?, client_message_id).await
        };
        mutation(ctx, sent, MessagePayload::sent).await
    }

    /// Messages of others that none of the viewer's devices has fetched, and marks them as delivered: each message is given once,
    /// however many devices pull at the same time. By conversation and `seq`. For clients that do not listen; `messageReceived`
    /// with a cursor loses nothing when a connection breaks in between, as this does.
    async fn pull_new_messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many, 1 to 100.", default = 100)] first: i32,
    ) -> Option<AppResult<PullMessagesPayload>> {
        let pulled = async { fetched::pull(ctx.scope()?, first).await };
        mutation(ctx, pulled, PullMessagesPayload::of).await
    }

    /// Puts an emoji on a message that the viewer could answer; the same again changes nothing. User errors: `NOT_FOUND`,
    /// `INVALID_INPUT` for what is no single emoji, `NOT_MEMBER`, `BLOCKED`, `FORBIDDEN`, `MEMBER_MUTED`, and `CONFLICT` for a
    /// message that was revoked or deleted, or has 20 different emoji or 2,000 reactions.
    async fn add_reaction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message's global id.")] message_id: ID,
        #[graphql(desc = "A single emoji, such as 👍. The same emoji with and without a variation selector is one.")]
        emoji: String,
    ) -> Option<AppResult<MessagePayload>> {
        let added = async {
            let id = mutation_id(MessageId::parse, &message_id, "messageId")?;
            react::add_reaction(ctx.scope()?, id, &emoji).await
        };
        mutation(ctx, added, MessagePayload::sent).await
    }

    /// Takes one's own emoji off a message; where there is none, nothing changes. User errors: `NOT_FOUND`, `INVALID_INPUT` for what
    /// is no single emoji, `NOT_MEMBER`.
    async fn remove_reaction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message's global id.")] message_id: ID,
        #[graphql(desc = "The emoji, as in `addReaction`.")] emoji: String,
    ) -> Option<AppResult<MessagePayload>> {
        let removed = async {
            let id = mutation_id(MessageId::parse, &message_id, "messageId")?;
            react::remove_reaction(ctx.scope()?, id, &emoji).await
        };
        mutation(ctx, removed, MessagePayload::sent).await
    }

    /// Takes all that was said in a conversation so far away from the viewer alone, on all their devices; it counts as read. It does
    /// not come back. A direct conversation is in their list again with its next message. User error: `NOT_FOUND`.
    async fn clear_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The conversation's global id.")] id: ID,
    ) -> Option<AppResult<ConversationPayload>> {
        let cleared = async {
            let id = mutation_id(ConversationId::parse, &id, "id")?;
            removal::clear(ctx.scope()?, id).await
        };
        mutation(ctx, cleared, |seen| ConversationPayload::of(Some(Conversation::seen(seen)))).await
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

    /// Pins, mutes or hides a conversation for the viewer, or does so no longer; for no other member anything changes. Works for
    /// one that they are no longer a member of as well, and stays when they leave and come back. What is hidden is in their list again with the
    /// next message. User errors: `NOT_FOUND`,
    /// `CONFLICT` when they have pinned 100 others.
    async fn update_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The conversation's global id.")] id: ID,
        #[graphql(desc = "Whether it stands before the others in their list; stays as it is where none is given.")]
        pinned: Option<bool>,
        #[graphql(
            desc = "Whether their clients show its messages without an alert; stays as it is where none is given."
        )]
        muted: Option<bool>,
        #[graphql(
            desc = "Whether it is left out of their list until the next message; stays as it is where none is given."
        )]
        hidden: Option<bool>,
    ) -> Option<AppResult<ConversationPayload>> {
        let updated = async {
            let id = mutation_id(ConversationId::parse, &id, "id")?;
            settings::update(ctx.scope()?, id, UpdateConversation { pinned, muted, hidden }).await
        };
        mutation(ctx, updated, |seen| ConversationPayload::of(Some(Conversation::seen(seen)))).await
    }

    /// Tells the other members of a conversation, who follow `typing`, that the viewer is typing, or no longer is. Call it every
    /// 3 seconds while they type, and with `FINISHED` when they stop without sending: the same within 3 seconds is not told
    /// again, and is `ok` as well. In a group that hides its members, only those who run it are told of the others. Nothing is stored. User
    /// errors: as those of `sendMessage` to the same target, `NOT_FOUND` also where two users have not talked yet;
    /// `RATE_LIMITED` for more than 20 calls in 10 seconds.
    async fn set_typing(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The conversation.")] to: MessageTarget,
        #[graphql(desc = "Whether they are typing now.")] state: TypingState,
    ) -> Option<AppResult<OkPayload>> {
        let told = async { typing::set_typing(ctx.scope()?, to.parse("to")?, state).await };
        mutation(ctx, told, |()| OkPayload::done()).await
    }
}
