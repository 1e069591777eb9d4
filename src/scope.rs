//! What a use case is given: the app, who asks, and the connection of this execution.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use diesel_async::AsyncPgConnection;

use crate::app::App;
use crate::auth::{Requester, Viewer};
use crate::db::{Lease, TransactionWork};
use crate::error::AppResult;
use crate::events::model::NewEvent;
use crate::events::{StreamCursor, outbox};
use crate::ids::UserId;

/// One execution of an operation, one event of a subscription, or one job.
pub struct Scope {
    /// The app.
    pub app: Arc<App>,
    /// Who asks.
    requester: Requester,
    /// Whether anything asked who asks.
    depends_on_requester: AtomicBool,
    /// The execution's connection, taken when first used.
    pub db: Lease,
    /// How far the event stream had come here before the execution read anything.
    pub started_at: StreamCursor,
    /// Whether the transaction that runs now has recorded events.
    has_recorded: AtomicBool,
    /// People that it has changed.
    changed_people: Mutex<Vec<UserId>>,
}

impl Scope {
    /// A fresh scope.
    #[must_use]
    pub fn new(app: Arc<App>, requester: Requester) -> Self {
        let db = app.database.lease();
        Self::with_lease(app, requester, db)
    }

    /// The scope of an execution that writes nothing: its short reads share connections with those of others.
    #[must_use]
    pub fn reading(app: Arc<App>, requester: Requester) -> Self {
        let db = app.database.reading_lease();
        Self::with_lease(app, requester, db)
    }

    fn with_lease(app: Arc<App>, requester: Requester, db: Lease) -> Self {
        let started_at = app.events.head();
        Self {
            app,
            requester,
            depends_on_requester: AtomicBool::new(false),
            db,
            started_at,
            has_recorded: AtomicBool::new(false),
            changed_people: Mutex::default(),
        }
    }

    /// Who asks. From now on the answer is for them alone.
    pub fn requester(&self) -> &Requester {
        self.depends_on_requester.store(true, Ordering::Relaxed);
        &self.requester
    }

    /// The signed-in user.
    ///
    /// # Errors
    /// Unauthenticated when no token was sent.
    pub fn viewer(&self) -> AppResult<Viewer> {
        self.requester().require_viewer()
    }

    /// Whether anything has asked so far who asks.
    #[must_use]
    pub fn depends_on_requester(&self) -> bool {
        self.depends_on_requester.load(Ordering::Relaxed)
    }

    /// Runs `work` in a transaction on the execution's connection, and from the beginning again where PostgreSQL ended it
    /// for another one's sake (see [`WriteConnection::transaction`](crate::db::WriteConnection::transaction)). The connection
    /// goes back to the pool with it; the sequencer is woken when events were recorded.
    ///
    /// # Errors
    /// What `work` or the commit failed with; overloaded when the pool has no connection to give.
    pub async fn transaction<R, F>(&self, work: F) -> AppResult<R>
    where
        for<'r> F: AsyncFnMut(&'r mut AsyncPgConnection) -> AppResult<R>
            + TransactionWork<&'r mut AsyncPgConnection, AppResult<R>, Fut: Send>
            + Send,
        R: Send,
    {
        self.has_recorded.store(false, Ordering::Relaxed);
        let result = self.db.write().await?.transaction(work).await;
        // A commit whose answer was lost may have come about as well.
        self.forget_changed();
        let result = result?;
        self.publish_recorded();
        Ok(result)
    }

    /// Records events within the transaction that runs now, which holds the row lock of each conversation among them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(&self, conn: &AsyncPgConnection, events: &[NewEvent]) -> AppResult<()> {
        if !events.is_empty() {
            outbox::record_events(conn, events).await?;
            self.note_recorded();
        }
        Ok(())
    }

    /// Says that the transaction that runs now has changed what is shown of a person, which records an event by itself.
    /// Outside a transaction [`Scope::forget_changed`] and [`Scope::publish_recorded`] follow it.
    pub fn note_changed(&self, person: UserId) {
        self.changed_people.lock().unwrap_or_else(PoisonError::into_inner).push(person);
        self.note_recorded();
    }

    /// Forgets what is kept of people that were changed.
    pub fn forget_changed(&self) {
        let changed = std::mem::take(&mut *self.changed_people.lock().unwrap_or_else(PoisonError::into_inner));
        for person in &changed {
            self.app.seen_people.forget(person);
        }
    }

    /// Says that a statement has recorded events by itself. Outside a transaction [`Scope::publish_recorded`] follows it.
    pub fn note_recorded(&self) {
        self.has_recorded.store(true, Ordering::Relaxed);
    }

    /// Wakes the sequencer if events were recorded since it was woken.
    pub fn publish_recorded(&self) {
        if self.has_recorded.swap(false, Ordering::Relaxed) {
            self.app.events.wake_sequencer();
        }
    }
}
