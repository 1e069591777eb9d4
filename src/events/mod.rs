//! Events: lossless, ordered, cheap.
//!
//! ```text
//! service ── change + outbox rows, one transaction ──▶ outbox
//!    │ wake-up after commit                                │ sequencer: one in all instances, in id order
//!    ▼                                                   ▼
//! sequencer ──────── NOTIFY, one per batch ────────▶ events (position without gaps, partition per day)
//!                                                        ▼
//!                                                  crate::live: feed, hub, subscribers
//! ```
//!
//! This is the write side: [`outbox`], sequencer, partitions, retention. The read side lies above the services, in `live`.
//!
//! Invariants:
//! - Only the sequencer gives out positions, in one statement under the lock of `event_stream`'s row: they have no
//!   gaps, and nothing with a lower one ever appears later. Inside a conversation their order is the order of its
//!   versions, because outbox rows of a conversation's topic are written under that conversation's row lock.
//! - A wake-up only says "look now". What is lost is found by a look each second.
//! - Kinds and topics are texts; their closed set is the code's. What a newer instance wrote stops nothing: an event of an
//!   unknown kind, topic or shape has no subscribers here, and a row that can't be read hides one event, not those behind it.
//! - A cursor below `dropped_through` is refused: never a silent gap.

pub mod backlog;
pub mod bus;
pub mod cursor;
pub mod data;
pub mod floor;
pub mod model;
pub mod outbox;
pub mod partitions;
pub mod presence;
pub mod retention;
mod sequencer;
pub mod store;
pub mod topic;
pub mod typing;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::db::Database;
use crate::error::AppResult;

pub use cursor::StreamCursor;
pub use model::{EventKind, Position};
pub use topic::{Topic, TopicKind};

/// The event stream as one instance sees it.
pub struct Events {
    database: Database,
    clock: Clock,
    retention_days: u32,
    /// How far the stream has come here.
    head: Mutex<StreamCursor>,
    /// Something was committed to the outbox; the sequencer here should look, if it leads.
    outbox_written: Notify,
    /// Something was committed to the outbox here, while another instance leads.
    remote_wakeup: Notify,
    /// Something was moved to `events`, here or elsewhere.
    stream_advanced: Notify,
    leading: AtomicBool,
    /// Who is typing, between instances.
    pub typing: typing::TypingRelay,
    /// Who is online, on whichever instance.
    pub presence: Arc<presence::PresenceBoard>,
}

impl Events {
    /// Opens the stream at its present end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(database: Database, clock: Clock, retention_days: u32) -> AppResult<Arc<Self>> {
        let conn = database.get().await?;
        let stream = store::get_stream(&conn).await?;
        Ok(Arc::new(Self {
            head: Mutex::new(StreamCursor { position: stream.head, at: stream.last_at }),
            database: database.clone(),
            clock,
            retention_days,
            outbox_written: Notify::new(),
            remote_wakeup: Notify::new(),
            stream_advanced: Notify::new(),
            leading: AtomicBool::new(false),
            typing: typing::TypingRelay::default(),
            presence: Arc::default(),
        }))
    }

    /// Starts the sequencer and the relays of wake-ups, of who is typing and of who is online; they end when `stop` is cancelled.
    pub fn start(self: &Arc<Self>, stop: &CancellationToken, tracker: &TaskTracker) {
        tracker.spawn(sequencer::run(Arc::clone(self), stop.clone()));
        tracker.spawn(bus::postgres::relay_wakeups(Arc::clone(self), stop.clone()));
        tracker.spawn(bus::ephemeral::relay(Arc::clone(self), stop.clone()));
        tracker.spawn(bus::ephemeral::keep_presence(Arc::clone(self), stop.clone()));
    }

    /// Wakes the sequencer, after a commit that added to the outbox.
    pub fn wake_sequencer(&self) {
        if self.is_leading() {
            self.outbox_written.notify_one();
        } else {
            self.remote_wakeup.notify_one();
        }
    }

    /// Waits until the stream may have advanced; also wakes up when it did not.
    pub async fn advanced(&self) {
        self.stream_advanced.notified().await;
    }

    /// Says how far the stream has come here; for the feed, once everything up to there was handed out.
    pub fn advance(&self, head: StreamCursor) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = head;
    }

    /// How far the stream has come here: everything up to it was committed, and is visible to statements from now on.
    #[must_use]
    pub fn head(&self) -> StreamCursor {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this instance's sequencer is the one at work: of all instances one leads, and does what is to be done once.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        self.leading.load(Ordering::Relaxed)
    }
}
