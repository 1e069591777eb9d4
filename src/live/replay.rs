//! Catching up from the database, where memory doesn't reach back.

use std::sync::Arc;

use crate::db::Lease;
use crate::error::{AppError, AppResult, ErrorCode};
use crate::events::cursor::StreamCursor;
use crate::events::model::Position;
use crate::events::store::{self, EventsBetween};
use crate::ids::{ConversationId, UserId};
use crate::live::Interest;
use crate::live::event::Event;
use crate::live::{Live, load};

/// Rows read in one go.
const PAGE: i64 = 500;

fn expired() -> AppError {
    AppError::Request(
        ErrorCode::CursorExpired,
        "The cursor is not among the events that are kept: fetch anew, and resume from a fresh eventCursor.".into(),
    )
}

/// Refuses a cursor behind which something was dropped, and one that this stream never gave out.
///
/// # Errors
/// `CURSOR_EXPIRED`.
pub(super) async fn check_cursor(lease: &Lease, cursor: StreamCursor) -> AppResult<()> {
    let stream = store::get_stream(&*lease.read().await?).await?;
    if cursor.position < stream.dropped_through || cursor.position > stream.head {
        return Err(expired());
    }
    Ok(())
}

/// Somebody who catches up.
pub(super) struct Replay<'a> {
    /// Live delivery here.
    pub(super) live: &'a Live,
    /// The connection to read through.
    pub(super) lease: &'a Lease,
    /// Who.
    pub(super) user: UserId,
    /// What they care for.
    pub(super) interest: &'a Interest,
}

/// A page of what somebody may see.
pub(super) struct Page {
    /// The events, in order.
    pub(super) events: Vec<Arc<Event>>,
    /// How far the page goes.
    pub(super) reached: StreamCursor,
    /// How many positions the next page should look at.
    pub(super) span: Option<Position>,
}

impl Replay<'_> {
    /// The next page of what somebody may see behind a cursor.
    ///
    /// The statement reads up to a page of each conversation before it knows which rows come first. So once a page was full,
    /// the next one looks no further than twice as many positions as that one took: a long replay of many busy conversations
    /// reads each row once or twice, and not once a page.
    ///
    /// # Errors
    /// `CURSOR_EXPIRED` when retention took some of it meanwhile.
    pub(super) async fn next_page(&self, after: StreamCursor, span: Option<Position>) -> AppResult<Page> {
        let Self { live, lease, user, interest } = *self;
        // The head first: whatever lies up to it is covered by the windows read after it.
        let head = live.hub.head();
        let through = span.map_or(head.position, |span| head.position.min(after.position.saturating_add(span)));
        let windows = live.hub.windows(user, interest);
        let conversations: Vec<ConversationId> = windows.keys().copied().collect();
        let conn = lease.read().await?;
        let query = EventsBetween {
            conversations: &conversations,
            user,
            rank: interest.rank,
            kinds: interest.kinds,
            after: after.position,
            through,
            not_before: after.not_before(),
            limit: PAGE,
        };
        let rows = store::list_between(&conn, query).await?;
        // After the read: what the read missed because it was dropped shows here.
        if after.position < store::get_stream(&conn).await?.dropped_through {
            return Err(expired());
        }
        let last = rows.last().map(|row| StreamCursor { position: row.position, at: row.at });
        let is_full = rows.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
        let (reached, span) = match last.filter(|_| is_full) {
            Some(last) => (last, Some((last.position - after.position).saturating_mul(2))),
            None if through == head.position => (head, span),
            // No event behind this position is older than the last one before it.
            None => {
                let at = last.map_or(after.at, |last| last.at);
                (StreamCursor { position: through, at }, span.map(|span| span.saturating_mul(4)))
            }
        };
        let events = load::load(&live.app, &conn, rows).await?;
        let visible = events.into_iter().filter(|event| interest.admits(user, &windows, event));
        Ok(Page { events: visible.map(Arc::new).collect(), reached, span })
    }
}
