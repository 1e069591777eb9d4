//! Queries of chat.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::service;
use super::types::{Conversation, Message};
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::scalars::query_id;
use crate::ids::{ConversationId, MessageId, UserId};
use crate::page::PageArgs;

/// The viewer's conversation of this id.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_conversation(ctx: &Context<'_>, id: ConversationId) -> AppResult<Option<Conversation>> {
    Ok(service::find_conversation(ctx.scope()?, id).await?.map(Conversation::seen))
}

/// A message that the viewer may see.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_message(ctx: &Context<'_>, id: MessageId) -> AppResult<Option<Message>> {
    Ok(service::find_message(ctx.scope()?, id).await?.map(|card| Message::card(Arc::new(card))))
}

/// Queries of chat.
#[derive(Default)]
pub struct ChatQuery;

/// Queries of chat.
#[Object(crate = "crate::graphql::eager")]
impl ChatQuery {
    /// A conversation that the viewer is or was a member of. Null when there is none.
    async fn conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The conversation's global id.")] id: ID,
    ) -> Option<AppResult<Conversation>> {
        async { find_conversation(ctx, query_id(ConversationId::parse, &id, "id")?).await }.await.transpose()
    }

    /// The viewer's direct conversation with a user. Null when they never talked.
    async fn conversation_with(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The other user's global id; one's own for notes to oneself.")] user_id: ID,
    ) -> Option<AppResult<Conversation>> {
        let find = async {
            let peer = query_id(UserId::parse, &user_id, "userId")?;
            Ok(service::find_conversation_with(ctx.scope()?, peer).await?.map(Conversation::seen))
        };
        find.await.transpose()
    }

    /// A message that the viewer may see. Null when there is none.
    async fn message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message's global id.")] id: ID,
    ) -> Option<AppResult<Message>> {
        async { find_message(ctx, query_id(MessageId::parse, &id, "id")?).await }.await.transpose()
    }
}

/// The part of the viewer that chat knows of.
#[derive(Default)]
pub struct ChatViewer;

/// The part of the viewer that chat knows of.
#[Object(crate = "crate::graphql::eager")]
impl ChatViewer {
    /// Conversations in which something was said, the latest first.
    async fn conversations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Conversation>> {
        let page = PageArgs { first, after, last, before }.request("conversations")?;
        let rows = service::list_conversations(ctx.scope()?, &page).await?;
        Ok(Connection::new(rows, Conversation::seen, |scope, bound| {
            Box::pin(service::count_conversations(scope, bound))
        }))
    }
}
