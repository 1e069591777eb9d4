//! Catching up from the database, where memory doesn't reach back.

use std::sync::Arc;

use crate::db::Lease;
use crate::error::{AppError, AppResult, ErrorCode};
use crate::events::TopicKind;
use crate::events::cursor::StreamCursor;
use crate::events::model::{Position, StoredEvent};
use crate::events::store::{self, EventsBetween};
use crate::ids::UserId;
use crate::live::{Event, EventFilter, Live, load};

/// Rows read in one go.
const PAGE_LIMIT: i64 = 500;

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

/// A person who catches up.
pub(super) struct Replay<'a> {
    /// Live delivery here.
    pub(super) live: &'a Live,
    /// The connection to read through.
    pub(super) lease: &'a Lease,
    /// Who.
    pub(super) user: UserId,
    /// What they ask for.
    pub(super) filter: &'a EventFilter,
}

/// A page of what the person may see.
pub(super) struct ReplayPage {
    /// The events, in order.
    pub(super) events: Vec<Arc<Event>>,
    /// How far the page goes.
    pub(super) reached: StreamCursor,
    /// How many positions the next page should look at.
    pub(super) span: Option<Position>,
}

impl Replay<'_> {
    /// The next page of what the person may see behind a cursor.
    ///
    /// The statement reads up to a page of each topic before it knows which rows come first. So once a page was full,
    /// the next one looks no further than twice as many positions as that one took: a long replay of many busy conversations
    /// reads each row once or twice, and not once a page.
    ///
    /// # Errors
    /// `CURSOR_EXPIRED` when retention took some of it meanwhile.
    pub(super) async fn next_page(&self, after: StreamCursor, span: Option<Position>) -> AppResult<ReplayPage> {
        let Self { live, lease, user, filter } = *self;
        // The head first: all events up to it are covered by the topics read after it.
        let head = live.hub.head();
        let through = span.map_or(head.position, |span| head.position.min(after.position.saturating_add(span)));
        let topics = live.hub.topics(user);
        let (topic_kinds, topic_ids): (Vec<TopicKind>, Vec<i64>) =
            topics.iter().filter(|topic| filter.includes(*topic)).map(|topic| (topic.kind, topic.id)).unzip();
        let conn = lease.read().await?;
        let query = EventsBetween {
            topic_kinds: &topic_kinds,
            topic_ids: &topic_ids,
            kinds: filter.kinds,
            after: after.position,
            through,
            not_before: after.not_before(),
            limit: PAGE_LIMIT,
        };
        let rows = store::list_between(&conn, query).await?;
        // After the read: what the read missed because it was dropped shows here.
        if after.position < store::get_stream(&conn).await?.dropped_through {
            return Err(expired());
        }
        let last = rows.last().map(|row| StreamCursor { position: row.position, at: row.at });
        let is_full = rows.len() == usize::try_from(PAGE_LIMIT).unwrap_or(usize::MAX);
        let (reached, span) = match last.filter(|_| is_full) {
            Some(last) => (last, Some((last.position - after.position).saturating_mul(2))),
            None if through == head.position => (head, span),
            // No event behind this position is older than the last one before it.
            None => {
                let at = last.map_or(after.at, |last| last.at);
                (StreamCursor { position: through, at }, span.map(|span| span.saturating_mul(4)))
            }
        };
        let visible: Vec<StoredEvent> = rows.into_iter().filter(|row| filter.matches(user, &topics, row)).collect();
        let payloads = load::load_payloads(&live.app, &conn, &visible.iter().collect::<Vec<_>>()).await?;
        let events = visible.into_iter().zip(payloads).map(|(row, payload)| Arc::new(Event::loaded(row, payload)));
        Ok(ReplayPage { events: events.collect(), reached, span })
    }
}
