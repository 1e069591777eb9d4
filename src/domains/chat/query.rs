//! Queries of chat.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::model;
use super::service::{self, everywhere, find};
use super::types::filters::{MessageSearchFilter, ReviewFilterInput};
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

    /// All users' messages, the newest first; for administrators alone. What an administrator looked at is noted. Revoked and deleted ones
    /// have no content.
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Those of them that fit; all where none is given.")] filter: Option<ReviewFilterInput>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> Option<AppResult<Connection<Message>>> {
        let listed = async {
            let filter = Arc::new(filter.map(ReviewFilterInput::parse).transpose()?.unwrap_or_default());
            let page = PageArgs { first, after, last, before }.request("review")?;
            let rows = everywhere::review(ctx.scope()?, &filter, &page).await?;
            Ok(Connection::new(
                rows,
                |message| Message::row(message, None),
                move |scope, bound| {
                    let filter = Arc::clone(&filter);
                    Box::pin(async move { everywhere::count_reviewed(scope, &filter, bound).await })
                },
            ))
        };
        Some(listed.await)
    }
}

/// The part of the viewer that chat knows of.
#[derive(Default)]
pub struct ChatViewer;

/// The part of the viewer that chat knows of.
#[Object(crate = "crate::graphql::eager")]
impl ChatViewer {
    /// Conversations in which something was said, and those of their groups: pinned ones first, then the latest.
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

    /// All messages that the viewer sees, in all of their conversations: by conversation and `seq`, the oldest first, to fetch
    /// everything anew. For what is new, `messageReceived` and `eventsSince` go on from a cursor.
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Those alone that none of their devices has fetched, by `markConversationDelivered` or `pullNewMessages`.",
            default = false
        )]
        undelivered_only: bool,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Message>> {
        let page = PageArgs { first, after, last, before }.request(format!("seen:{undelivered_only}"))?;
        let rows = everywhere::list_seen(ctx.scope()?, undelivered_only, &page).await?;
        Ok(Connection::new(
            rows,
            |message| Message::row(message, None),
            move |scope, bound| Box::pin(everywhere::count_seen(scope, undelivered_only, bound)),
        ))
    }

    /// Messages of the viewer's conversations that have all of some words, the newest first: Chinese by words, parts of words
    /// and their pinyin, Latin words by their beginnings, numbers as a whole. Of encrypted messages, and of those that were revoked or deleted, none. A message is found a
    /// second after it was sent. Searched are the 1,000 conversations in which something was said last.
    async fn search_messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to look for: at most 100 characters.")] query: String,
        #[graphql(desc = "Those of them that fit; all where none is given.")] filter: Option<MessageSearchFilter>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Message>> {
        let (conversation, sent) = filter.map(MessageSearchFilter::parse).transpose()?.unwrap_or_default();
        let page =
            PageArgs { first, after, last, before }.request(format!("found {query} {conversation:?} {sent:?}"))?;
        let wanted = find::parse_query(ctx.scope()?, &query, conversation, sent).await?.map(Arc::new);
        let rows = match &wanted {
            Some(wanted) => find::list_found(ctx.scope()?, wanted, &page).await?,
            None => page.page(Vec::new(), |message: &model::Message| message.id),
        };
        Ok(Connection::new(
            rows,
            |message| Message::row(message, None),
            move |scope, bound| {
                let wanted = wanted.clone();
                Box::pin(async move {
                    match &wanted {
                        Some(wanted) => find::count_found(scope, wanted, bound).await,
                        None => Ok(0),
                    }
                })
            },
        ))
    }
}
