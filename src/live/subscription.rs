//! One subscription: what was missed first, then what comes, in order, nothing twice.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::Stream;
use tokio::sync::mpsc;

use crate::db::Lease;
use crate::error::AppResult;
use crate::events::Position;
use crate::events::cursor::StreamCursor;
use crate::events::presence::Arrival;
use crate::ids::UserId;
use crate::live::hub::{Queued, Recent, SubscriberId};
use crate::live::replay::{self, Replay};
use crate::live::topics::{self, Topics};
use crate::live::{Event, EventFilter, Live};
use crate::scope::Scope;

/// Events looked at in one go while catching up from memory.
const SCAN_LIMIT: usize = 1000;

/// See the module. Dropping it takes it off the hub.
pub struct EventSubscription {
    live: Arc<Live>,
    user: UserId,
    id: SubscriberId,
    filter: EventFilter,
    /// Everything up to here was handed out, is in the backlog, or is nothing for us.
    reached: StreamCursor,
    backlog: VecDeque<Arc<Event>>,
    /// How many positions the next page from the database should look at.
    span: Option<Position>,
    /// What comes, once it has caught up.
    queue: Option<mpsc::Receiver<Queued>>,
    /// Makes the person online.
    arrival: Option<Arrival>,
}

/// Events that were there already.
pub struct PulledEvents {
    /// The events, in order.
    pub events: Vec<Arc<Event>>,
    /// Whether there are more.
    pub has_more: bool,
    /// The viewer's topics as they are now.
    pub topics: Arc<Topics>,
}

impl EventSubscription {
    /// Subscribes a person from a cursor on, or from now.
    ///
    /// # Errors
    /// `CURSOR_EXPIRED` when events behind the cursor were dropped or the cursor is not of this database.
    pub async fn open(
        live: Arc<Live>,
        user: UserId,
        filter: EventFilter,
        after: Option<StreamCursor>,
    ) -> AppResult<Self> {
        let lease = live.app.database.lease();
        let arrival = live.app.events.presence.arrive(user);
        let mut subscription = Self::open_through(&lease, live, user, filter, after).await?;
        subscription.arrival = Some(arrival);
        Ok(subscription)
    }

    async fn open_through(
        lease: &Lease,
        live: Arc<Live>,
        user: UserId,
        filter: EventFilter,
        after: Option<StreamCursor>,
    ) -> AppResult<Self> {
        let (id, load) = live.hub.register(user);
        // From here on the drop unregisters it, also after an error.
        let mut subscription = Self {
            reached: live.hub.head(),
            live,
            user,
            id,
            filter,
            backlog: VecDeque::new(),
            span: None,
            queue: None,
            arrival: None,
        };
        if load {
            let topics = topics::list_topics(lease, user).await?;
            subscription.live.hub.set_topics(user, topics);
        } else if filter.is_for_roles() {
            let roles = topics::list_role_topics(lease, user).await?;
            subscription.live.hub.change_topics(&roles);
        }
        if let Some(cursor) = after {
            replay::check_cursor(lease, cursor).await?;
            subscription.reached = cursor;
        }
        Ok(subscription)
    }

    /// The next event; waits for it.
    ///
    /// # Errors
    /// `CURSOR_EXPIRED` when catching up takes longer than events are kept; internal when the database fails.
    pub async fn next(&mut self) -> AppResult<Arc<Event>> {
        loop {
            if let Some(event) = self.backlog.pop_front() {
                return Ok(event);
            }
            if let Some(queue) = &mut self.queue {
                if let Some(Queued { event, .. }) = queue.recv().await {
                    self.reached = event.cursor();
                    // Its topic may have had no listeners here when the feed looked.
                    if event.payload().is_none() {
                        let lease = self.live.app.database.lease();
                        self.live.load_missing(&lease, std::slice::from_ref(&event)).await?;
                    }
                    return Ok(event);
                }
                self.queue = None;
            }
            // A connection for one stretch: slow readers hold none meanwhile.
            if !self.catch_up(&self.live.app.database.lease()).await? {
                self.queue = self.live.hub.go_live(self.user, self.id, self.filter, self.reached.position);
            }
        }
    }

    /// At most `limit` events of the viewer's that are there already behind a cursor, without waiting; read through the
    /// execution's own connection.
    ///
    /// # Errors
    /// Unauthenticated without a token; as [`EventSubscription::open`] and [`EventSubscription::next`].
    pub async fn pull(
        live: Arc<Live>,
        scope: &Scope,
        filter: EventFilter,
        after: StreamCursor,
        limit: usize,
    ) -> AppResult<PulledEvents> {
        let viewer = scope.viewer()?.user_id;
        let mut subscription = Self::open_through(&scope.db, live, viewer, filter, Some(after)).await?;
        while subscription.backlog.len() <= limit && subscription.catch_up(&scope.db).await? {}
        let has_more = subscription.backlog.len() > limit;
        subscription.backlog.truncate(limit);
        let topics = subscription.live.hub.topics(viewer);
        Ok(PulledEvents { events: std::mem::take(&mut subscription.backlog).into(), has_more, topics })
    }

    /// Looks at the next stretch of the stream. False when there is none.
    async fn catch_up(&mut self, lease: &Lease) -> AppResult<bool> {
        let hub = &self.live.hub;
        match hub.recent(self.user, &self.filter, self.reached.position, SCAN_LIMIT) {
            Recent::Events(events, through) => {
                let moved = through > self.reached.position;
                self.live.load_missing(lease, &events).await?;
                self.backlog.extend(events);
                self.reached.position = through;
                Ok(moved)
            }
            Recent::TooOld => {
                let replay = Replay { live: &self.live, lease, user: self.user, filter: &self.filter };
                let page = replay.next_page(self.reached, self.span).await?;
                self.backlog.extend(page.events);
                (self.reached, self.span) = (page.reached, page.span);
                Ok(true)
            }
        }
    }

    /// The subscription as a stream; after an error it ends.
    pub fn into_stream(self) -> impl Stream<Item = AppResult<Arc<Event>>> + Send {
        futures_util::stream::unfold(Some(self), |state| async move {
            let mut subscription = state?;
            match subscription.next().await {
                Ok(event) => Some((Ok(event), Some(subscription))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

impl Drop for EventSubscription {
    fn drop(&mut self) {
        self.live.hub.unregister(self.user, self.id);
    }
}
