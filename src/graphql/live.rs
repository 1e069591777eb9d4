//! Opening the viewer's part of the event stream, for whatever subscribes to it.

use std::sync::Arc;

use async_graphql::Context;
use futures_util::{Stream, StreamExt, TryStreamExt};

use super::context::PlazaContext;
use crate::db::Lease;
use crate::domains::accounts::policy::access::rank;
use crate::domains::accounts::service::role_of;
use crate::error::AppResult;
use crate::events::{EventKind, StreamCursor};
use crate::ids::{ConversationId, UserId};
use crate::live::resume::Resume;
use crate::live::visible::{Seen, load_seen};
use crate::live::{Event, Interest, Payload, Subscription};

/// What somebody cares for of these kinds, as far as their role goes.
///
/// # Errors
/// When the database fails.
pub async fn interest(
    lease: &Lease,
    viewer: UserId,
    kinds: &'static [EventKind],
    conversation: Option<ConversationId>,
) -> AppResult<Interest> {
    let speaks = kinds.iter().any(|kind| kind.speaks_to_roles());
    let rank = if speaks { rank(role_of(&*lease.read().await?, viewer).await?) } else { 0 };
    Ok(Interest { kinds, conversation, rank })
}

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
    let interest = interest(&live.app.database.lease(), viewer, kinds, conversation).await?;
    Ok(Subscription::open(live, viewer, interest, after).await?.into_stream())
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

/// What a stream of the viewer's events tells of, as they may see it when it is delivered, which costs a statement; of
/// what is `wanted` alone, and without what `pick` finds nothing of.
///
/// # Errors
/// Unauthenticated without a token.
pub fn as_seen<T, S, W, P>(
    ctx: &Context<'_>,
    events: S,
    wanted: W,
    pick: P,
) -> AppResult<impl Stream<Item = AppResult<T>> + use<T, S, W, P>>
where
    S: Stream<Item = AppResult<Arc<Event>>>,
    W: Fn(&Payload) -> bool,
    P: Fn(&Event, &Seen) -> Option<T> + Copy,
{
    let (app, viewer) = (Arc::clone(ctx.app()?), ctx.viewer()?.user_id);
    let wanted = move |event: &AppResult<Arc<Event>>| {
        std::future::ready(event.as_ref().map_or(true, |event| wanted(&event.payload)))
    };
    Ok(events.filter(wanted).filter_map(move |event| {
        let app = Arc::clone(&app);
        async move {
            let event = match event {
                Ok(event) => event,
                Err(error) => return Some(Err(error)),
            };
            let seen = load_seen(&app.database.lease(), viewer, std::slice::from_ref(&event)).await;
            seen.map(|seen| pick(&event, &seen)).transpose()
        }
    }))
}
