//! One subscription: what was missed first, then what comes, in order, nothing twice.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures_util::Stream;
use tokio::sync::mpsc;

use super::cursor::StreamCursor;
use super::hub::{Queued, Recent, SubscriberId};
use super::model::{Audience, Event, EventKind, Position, Window};
use super::replay::{self, Replay};
use crate::app::App;
use crate::db::Lease;
use crate::domains::chat;
use crate::error::AppResult;
use crate::ids::{ConversationId, UserId};
use crate::scope::Scope;

/// Events looked at in one go while catching up from memory.
const SCAN: usize = 1000;

/// What a subscription cares for, of what its person may see.
#[derive(Clone, Debug)]
pub struct Interest {
    /// Of these kinds.
    pub kinds: &'static [EventKind],
    /// In this conversation alone.
    pub conversation: Option<ConversationId>,
    /// How far the person's role went when they subscribed: what speaks to a role of at most this rank. Whether it still
    /// goes that far is asked when the event is delivered.
    pub rank: i64,
}

impl Interest {
    /// Whether the event is of a kind and a conversation cared for.
    fn matches(&self, event: &Event) -> bool {
        self.kinds.contains(&event.kind)
            && self.conversation.is_none_or(|id| event.audience == Audience::Conversation(id))
    }

    /// Whether the event is cared for, and for this person to see: the one question that live delivery and replay ask.
    #[must_use]
    pub fn admits(&self, user: UserId, windows: &HashMap<ConversationId, Window>, event: &Event) -> bool {
        self.matches(event)
            && match event.audience {
                Audience::Conversation(id) => {
                    windows.get(&id).is_some_and(|window| window.shows(event.version, event.seq_of_message()))
                }
                Audience::User(id) => id == user,
                Audience::Role(rank) => rank <= self.rank && event.person() != Some(user),
                Audience::Unknown => false,
            }
    }
}

/// See the module. Dropping it takes it off the hub.
pub struct Subscription {
    app: Arc<App>,
    user: UserId,
    id: SubscriberId,
    interest: Interest,
    /// Everything up to here was handed out, is in the backlog, or is nothing for us.
    reached: StreamCursor,
    backlog: VecDeque<Arc<Event>>,
    /// How many positions the next page from the database should look at.
    span: Option<Position>,
    live: Option<mpsc::Receiver<Queued>>,
}

impl Subscription {
    /// Subscribes somebody from a cursor on, or from now.
    ///
    /// # Errors
    /// `CURSOR_EXPIRED` when events behind the cursor were dropped or the cursor is not of this database.
    pub async fn open(app: Arc<App>, user: UserId, interest: Interest, after: Option<StreamCursor>) -> AppResult<Self> {
        let lease = app.database.lease();
        Self::open_through(&lease, app, user, interest, after).await
    }

    async fn open_through(
        lease: &Lease,
        app: Arc<App>,
        user: UserId,
        interest: Interest,
        after: Option<StreamCursor>,
    ) -> AppResult<Self> {
        let (id, load) = app.events.hub.register(user);
        // From here on the drop takes it off again, whatever happens.
        let mut subscription = Self {
            reached: app.events.head_cursor(),
            app,
            user,
            id,
            interest,
            backlog: VecDeque::new(),
            span: None,
            live: None,
        };
        if load {
            let windows = chat::service::list_windows(lease, user).await?;
            subscription.app.events.hub.set_windows(user, windows);
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
            if let Some(live) = &mut self.live {
                if let Some(Queued { event, .. }) = live.recv().await {
                    self.reached = StreamCursor::after(&event);
                    return Ok(event);
                }
                self.live = None;
            }
            // A connection for one stretch: whoever reads slowly holds none meanwhile.
            if !self.catch_up(&self.app.database.lease()).await? {
                self.live = self.app.events.hub.go_live(self.user, self.id, &self.interest, self.reached.position);
            }
        }
    }

    /// At most `limit` events of the viewer's that are there already behind a cursor, without waiting, and whether there
    /// are more; read through the execution's own connection.
    ///
    /// # Errors
    /// Unauthenticated without a token; as [`Subscription::open`] and [`Subscription::next`].
    pub async fn pull(
        scope: &Scope,
        interest: Interest,
        after: StreamCursor,
        limit: usize,
    ) -> AppResult<(Vec<Arc<Event>>, bool)> {
        let (app, viewer) = (Arc::clone(&scope.app), scope.viewer()?.user_id);
        let mut subscription = Self::open_through(&scope.db, app, viewer, interest, Some(after)).await?;
        while subscription.backlog.len() <= limit && subscription.catch_up(&scope.db).await? {}
        let more = subscription.backlog.len() > limit;
        subscription.backlog.truncate(limit);
        Ok((std::mem::take(&mut subscription.backlog).into(), more))
    }

    /// Looks at the next stretch of the stream. False when there is none.
    async fn catch_up(&mut self, lease: &Lease) -> AppResult<bool> {
        let hub = &self.app.events.hub;
        match hub.recent(self.user, &self.interest, self.reached.position, SCAN) {
            Recent::Events(events, through) => {
                let moved = through > self.reached.position;
                self.backlog.extend(events);
                self.reached.position = through;
                Ok(moved)
            }
            Recent::TooOld => {
                let replay = Replay { app: &self.app, lease, user: self.user, interest: &self.interest };
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

impl Drop for Subscription {
    fn drop(&mut self) {
        self.app.events.hub.unregister(self.user, self.id);
    }
}
