//! Opening the viewer's part of the event stream, for subscriptions.

use std::sync::Arc;

use async_graphql::Context;
use futures_util::{Stream, StreamExt, TryStreamExt};

use super::context::PlazaContext;
use super::shared::CurrentEvent;
use crate::error::AppResult;
use crate::events::{EventKind, StreamCursor};
use crate::ids::ConversationId;
use crate::live::resume::Resume;
use crate::live::visible::{Shown, Viewpoint};
use crate::live::{Event, EventFilter, EventSubscription};

/// The viewer's events of these kinds, from a cursor on, or from now.
///
/// # Errors
/// Unauthenticated without a token; `CURSOR_EXPIRED`.
pub async fn follow(
    ctx: &Context<'_>,
    kinds: &'static [EventKind],
    conversation: Option<ConversationId>,
    after: Option<StreamCursor>,
) -> AppResult<impl Stream<Item = AppResult<Arc<Event>>> + use<>> {
    let (live, viewer) = (Arc::clone(ctx.live()?), ctx.viewer()?.user_id);
    let filter = EventFilter { kinds, conversation };
    let stream = EventSubscription::open(live, viewer, filter, after).await?.into_stream();
    let current = ctx.data_opt::<CurrentEvent>().cloned().unwrap_or_default();
    Ok(stream.inspect_ok(move |event| current.set(event)))
}

/// As [`follow`], resumable: behind `after`, or where the transport says.
///
/// # Errors
/// Bad input for what is no cursor; as [`follow`].
pub async fn resume(
    ctx: &Context<'_>,
    kinds: &'static [EventKind],
    conversation: Option<ConversationId>,
    after: Option<String>,
) -> AppResult<impl Stream<Item = AppResult<Arc<Event>>> + use<>> {
    let resume = ctx.data_opt::<Resume>().cloned().unwrap_or_default();
    let after = match resume.start() {
        Some(cursor) => Some(cursor),
        None => after.map(|text| StreamCursor::parse(&text)).transpose()?,
    };
    let stream = follow(ctx, kinds, conversation, after).await?;
    Ok(stream.inspect_ok(move |event| resume.note(event.cursor())))
}

/// What the events of a stream show the viewer when they are delivered, without those that show nothing, or nothing that
/// `pick` takes. An item costs a statement.
///
/// # Errors
/// Unauthenticated without a token.
pub fn visible<T, S, P>(
    ctx: &Context<'_>,
    events: S,
    pick: P,
) -> AppResult<impl Stream<Item = AppResult<T>> + use<T, S, P>>
where
    S: Stream<Item = AppResult<Arc<Event>>>,
    P: Fn(&Event, Shown) -> Option<T> + Copy,
{
    let (live, viewer) = (Arc::clone(ctx.live()?), ctx.viewer()?.user_id);
    Ok(events.filter_map(move |event| {
        let live = Arc::clone(&live);
        async move {
            let event = match event {
                Ok(event) => event,
                Err(error) => return Some(Err(error)),
            };
            let (lease, topics) = (live.app.database.lease(), live.hub.topics(viewer));
            let viewpoint = Viewpoint::load(&lease, viewer, topics, std::slice::from_ref(&event)).await;
            viewpoint.map(|viewpoint| viewpoint.show(&event).and_then(|shown| pick(&event, shown))).transpose()
        }
    }))
}
