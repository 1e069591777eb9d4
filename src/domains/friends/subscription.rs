//! Subscriptions of friends.

use async_graphql::{Context, Subscription};
use futures_util::Stream;

use super::types::FriendRequest;
use crate::error::{AppError, AppResult};
use crate::events::EventKind;
use crate::graphql::context::PlazaContext;
use crate::graphql::live::{follow, visible};
use crate::live::EventPayload;
use crate::live::visible::Shown;

/// The viewer's requests, as events of one kind tell of them.
async fn follow_requests(
    ctx: &Context<'_>,
    kinds: &'static [EventKind],
    is_sender: bool,
) -> AppResult<impl Stream<Item = AppResult<FriendRequest>> + use<>> {
    let viewer = ctx.viewer()?.user_id;
    let events = follow(ctx, kinds, None, None).await?;
    visible(ctx, events, move |_, shown| match shown {
        Shown::Payload(EventPayload::FriendRequest(request)) => {
            ((request.from_user_id == viewer) == is_sender).then_some(FriendRequest(request))
        }
        Shown::Payload(_) | Shown::Item(_) => None,
    })
}

/// Subscriptions of friends.
#[derive(Default)]
pub struct FriendSubscription;

/// Subscriptions of friends.
#[Subscription]
impl FriendSubscription {
    /// Requests to the viewer, as they come. Nothing is replayed: fetch anew after a reconnect, or follow `events`.
    async fn friend_request_received(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = AppResult<FriendRequest>> + use<>, AppError> {
        follow_requests(ctx, &[EventKind::FriendRequestCreated], false).await
    }

    /// Requests of the viewer's, as they are answered. Nothing is replayed: fetch anew after a reconnect, or follow `events`.
    async fn friend_request_answered(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = AppResult<FriendRequest>> + use<>, AppError> {
        follow_requests(ctx, &[EventKind::FriendRequestAnswered], true).await
    }
}
