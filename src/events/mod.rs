//! Events: lossless, ordered, cheap.
//!
//! ```text
//! service ── change + outbox rows, one transaction ──▶ outbox
//!    │ nudge after commit                                │ sequencer: one in all instances, in id order
//!    ▼                                                   ▼
//! sequencer ──────── NOTIFY, one per batch ────────▶ events (position without gaps, partition per day)
//!                                                        │ feed: one per instance, reads by position
//!                                                        ▼
//!                         hub: last minutes in memory ──▶ bounded queue per subscriber ──▶ socket
//! ```
//!
//! Invariants:
//! - Only the sequencer gives out positions, in one statement under the lock of `event_stream`'s row: they have no
//!   gaps, and nothing with a lower one ever appears later. Inside a conversation their order is the order of its
//!   versions, because whoever writes outbox rows of a conversation holds that conversation's row lock.
//! - A nudge only says "look now". Whatever is lost is found by a look each second.
//! - Who may see an event is decided by [`Window`] alone, for live delivery and for replay alike.
//! - A subscriber is either catching up (from memory, else from the database) or live. It goes live under the hub's
//!   lock, at the very position it has reached, so that nothing falls between. A full queue sends it back to catching
//!   up; nothing is ever skipped.
//! - What a newer instance wrote stops nobody: an event of an unknown kind or audience is for nobody here, and a row that
//!   can't be read hides one event, not those behind it.
//! - A cursor below `dropped_through` is refused: never a silent gap.

pub mod backlog;
pub mod bus;
pub mod cursor;
mod feed;
pub mod floor;
pub mod hub;
mod hydrate;
pub mod model;
pub mod outbox;
pub mod partitions;
mod replay;
pub mod resume;
pub mod retention;
mod ring;
mod sequencer;
pub mod store;
pub mod subscriber;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::db::Database;
use crate::error::AppResult;

pub use cursor::StreamCursor;
pub use model::{Audience, Event, EventKind, Payload, Position, Window};
pub use subscriber::{Interest, Subscription};

/// The event stream as one instance sees it.
pub struct Events {
    database: Database,
    hub: hub::Hub,
    retention_days: u32,
    /// Something was committed to the outbox; the sequencer here should look, if it leads.
    written: Notify,
    /// Something was committed to the outbox here, while another instance leads.
    written_here: Notify,
    /// Something was moved to `events`, here or elsewhere.
    moved: Notify,
    leading: AtomicBool,
}

impl Events {
    /// Opens the stream at its present end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(database: Database, retention_days: u32) -> AppResult<Self> {
        let conn = database.get().await?;
        let stream = store::get_stream(&conn).await?;
        Ok(Self {
            hub: hub::Hub::new(StreamCursor { position: stream.head, at: stream.last_at }),
            database: database.clone(),
            retention_days,
            written: Notify::new(),
            written_here: Notify::new(),
            moved: Notify::new(),
            leading: AtomicBool::new(false),
        })
    }

    /// Starts the sequencer, the feed and the nudger; they end with the app.
    pub fn start(app: &Arc<App>, tracker: &TaskTracker) {
        tracker.spawn(sequencer::run(Arc::clone(app), app.stop.clone()));
        tracker.spawn(feed::run(Arc::clone(app), app.stop.clone()));
        tracker.spawn(bus::postgres::relay_nudges(Arc::clone(app), app.stop.clone()));
    }

    /// Says after a commit that there is something in the outbox.
    pub fn nudge(&self) {
        if self.is_leading() {
            self.written.notify_one();
        } else {
            self.written_here.notify_one();
        }
    }

    /// How far the stream has come here: everything up to it was committed, and is visible to statements from now on.
    #[must_use]
    pub fn head(&self) -> Position {
        self.hub.head().position
    }

    /// The cursor of [`Events::head`].
    #[must_use]
    pub fn head_cursor(&self) -> StreamCursor {
        self.hub.head()
    }

    /// Whether this instance's sequencer is the one at work: of all instances one leads, and does what is to be done once.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        self.leading.load(Ordering::Relaxed)
    }

    /// The hub, for its figures.
    #[must_use]
    pub fn hub(&self) -> &hub::Hub {
        &self.hub
    }
}
