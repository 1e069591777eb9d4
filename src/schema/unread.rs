//! What waits for the viewer, in numbers: derived from what is stored, so that there is no count to go wrong.

use async_graphql::{Context, Object};
use tokio::sync::OnceCell;

use crate::domains::chat::model::UnreadTotals;
use crate::domains::friends::model::{RequestDirection, RequestStatus};
use crate::domains::groups::service::join::JoinRequestList;
use crate::domains::{chat, friends, groups};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::page::COUNT_BOUND;

/// What waits for the viewer, in numbers, for badges. Each field costs its statements only where it is selected, and is up to
/// date: ask again after what `events` tells.
#[derive(Default)]
pub struct UnreadSummary {
    totals: OnceCell<UnreadTotals>,
}

impl UnreadSummary {
    /// Both of its numbers come from one statement.
    async fn totals(&self, ctx: &Context<'_>) -> AppResult<UnreadTotals> {
        let count = || async { chat::service::count_unread(ctx.scope()?, COUNT_BOUND).await };
        self.totals.get_or_try_init(count).await.copied()
    }
}

fn saturated(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// What waits for the viewer, in numbers, for badges. Each field costs its statements only where it is selected, and is up to
/// date: ask again after what `events` tells.
#[Object(crate = "crate::graphql::eager")]
impl UnreadSummary {
    /// Messages of others that the viewer has not read: the sum of `unreadCount` over their conversations, muted ones and those
    /// that they left included, of at most 10,000 conversations.
    async fn messages(&self, ctx: &Context<'_>) -> AppResult<i32> {
        Ok(saturated(self.totals(ctx).await?.messages))
    }

    /// Conversations with such messages, counted up to 10,000.
    async fn conversations(&self, ctx: &Context<'_>) -> AppResult<i32> {
        Ok(saturated(self.totals(ctx).await?.conversations))
    }

    /// Requests to become friends that wait for the viewer's answer, counted up to 10,000; without those of users blocked by
    /// them.
    async fn friend_requests(&self, ctx: &Context<'_>) -> AppResult<i32> {
        let (direction, status) = (RequestDirection::Incoming, Some(RequestStatus::Waiting));
        Ok(saturated(friends::service::requests::count(ctx.scope()?, direction, status, COUNT_BOUND).await?))
    }

    /// Requests to join the groups that the viewer owns or manages that wait for an answer, counted up to 10,000.
    async fn group_join_requests(&self, ctx: &Context<'_>) -> AppResult<i32> {
        let list = JoinRequestList::Received(None, Some(RequestStatus::Waiting));
        Ok(saturated(groups::service::join::count(ctx.scope()?, list, COUNT_BOUND).await?))
    }
}

/// The part of the viewer that tells what waits.
#[derive(Default)]
pub struct UnreadViewer;

/// The part of the viewer that tells what waits.
#[Object(crate = "crate::graphql::eager")]
impl UnreadViewer {
    /// What waits for them, in numbers.
    async fn unread(&self) -> UnreadSummary {
        UnreadSummary::default()
    }
}
