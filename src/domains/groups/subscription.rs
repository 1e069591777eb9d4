//! Subscriptions of groups.

use async_graphql::{Context, ID, Subscription};
use futures_util::Stream;

use super::types::GroupJoinRequest;
use crate::error::{AppError, AppResult};
use crate::events::EventKind;
use crate::graphql::live::{follow, visible};
use crate::graphql::scalars::query_id;
use crate::ids::GroupId;
use crate::live::EventPayload;
use crate::live::visible::Shown;

/// Subscriptions of groups.
#[derive(Default)]
pub struct GroupSubscription;

/// Subscriptions of groups.
#[Subscription]
impl GroupSubscription {
    /// Requests to join groups that the viewer runs, as they come. Nothing is replayed: fetch anew after a reconnect, or follow
    /// `events`.
    async fn group_join_request_received(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "To join this group alone, by its global id.")] group_id: Option<ID>,
    ) -> Result<impl Stream<Item = AppResult<GroupJoinRequest>> + use<>, AppError> {
        let group = group_id.map(|id| query_id(GroupId::parse, &id, "groupId")).transpose()?;
        let events = follow(ctx, &[EventKind::GroupJoinRequestCreated], None, None).await?;
        visible(ctx, events, move |_, shown| match shown {
            Shown::Payload(EventPayload::JoinRequest(request)) => {
                group.is_none_or(|group| group == request.group_id).then_some(GroupJoinRequest(request))
            }
            Shown::Payload(_) | Shown::Item(_) => None,
        })
    }
}
