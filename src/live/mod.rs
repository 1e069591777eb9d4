//! Live delivery: the read side of the event stream.
//!
//! ```text
//! events ──▶ feed: one per instance, reads by position, loads what the events refer to
//!              ▼
//!            hub: last minutes in memory ──▶ bounded queue per subscriber ──▶ subscription ──▶ socket
//! ```
//!
//! Invariants:
//! - Who may see an event is decided by [`Interest::admits`] and a member's
//!   [`Window`](crate::domains::chat::model::Window) alone, for live delivery and for replay alike.
//! - A subscriber is either catching up (from memory, else from the database) or live. It goes live under the hub's
//!   lock, at the very position it has reached, so that nothing falls between. A full queue sends it back to catching
//!   up; nothing is ever skipped.

pub mod event;
mod feed;
pub mod hub;
pub mod interest;
mod load;
mod replay;
pub mod resume;
mod ring;
pub mod subscription;
pub mod visible;

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::domains::accounts::service::sessions;
use crate::error::AppResult;

pub use event::{Event, Payload};
pub use interest::Interest;
pub use subscription::Subscription;

/// Live delivery on one instance.
pub struct Live {
    /// The app.
    pub app: Arc<App>,
    /// The subscriptions here.
    pub hub: hub::Hub,
}

impl Live {
    /// Live delivery from the present end of the stream on; learns which sessions were revoked lately.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(app: Arc<App>) -> AppResult<Arc<Self>> {
        let hub = hub::Hub::new(app.events.head());
        // The stream was opened before this look: what is revoked from now on comes with it.
        sessions::restore_revoked(&app).await?;
        Ok(Arc::new(Self { app, hub }))
    }

    /// Starts the feed; it ends with the app.
    pub fn start(self: &Arc<Self>, tracker: &TaskTracker) {
        tracker.spawn(feed::run(Arc::clone(self)));
    }
}
