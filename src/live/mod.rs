//! Live delivery: the read side of the event stream.
//!
//! ```text
//! events ──▶ feed: one per instance, reads by position, loads what is listened to here
//!              ▼
//!            hub: last minutes in memory ──▶ bounded queue per subscriber ──▶ subscription ──▶ socket
//! ```
//!
//! An event is published to one topic. A person listens to topics ([`topics::list_topics`]): themselves, their conversations, the
//! roles that theirs includes. The topics are read once per person here, and then change with the stream: a member's window
//! with the event that opened or closed it, or by which they run the group or no longer do, roles before the next event that is
//! addressed to one.
//!
//! Who is typing comes past the stream: see [`typing`].
//!
//! Invariants:
//! - Who may see an event is decided by [`EventFilter::matches`] (the topic, and a member's
//!   [`MembershipWindow`](crate::domains::chat::model::MembershipWindow)) and [`visible::can_see`] (what it refers to), both for live delivery and
//!   for replay.
//! - What an event refers to is loaded once here, for all who may see it: by the feed where the topic has listeners, otherwise by
//!   the first who catches up from memory. Events of one subject show the same: a later one replaces what the earlier ones show.
//! - A new kind of event is an arm in each of [`EventKind`](crate::events::EventKind)'s matches, in `reference` (what its row
//!   refers to), `load` (how that is loaded) and `visible` (who sees it): the compiler names them.
//! - A subscriber is either catching up (from memory, else from the database) or live. It goes live under the hub's
//!   lock, at the very position it has reached, so that nothing falls between. A full queue sends it back to catching
//!   up; nothing is ever skipped.

mod effects;
pub mod event;
mod feed;
pub mod filter;
pub mod hub;
mod load;
mod place;
pub mod presence;
mod reference;
mod replay;
pub mod resume;
mod ring;
pub mod subscription;
pub mod topics;
pub mod typing;
pub mod visible;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::db::Lease;
use crate::domains::accounts::service::sessions;
use crate::error::AppResult;

pub use event::{Event, EventPayload};
pub use filter::EventFilter;
pub use subscription::EventSubscription;

/// In how many lanes payloads are loaded: those of one topic in one lane, so that they are loaded once.
const LANES: usize = 32;

/// Live delivery on one instance.
pub struct Live {
    /// The app.
    pub app: Arc<App>,
    /// The subscriptions here.
    pub hub: hub::Hub,
    lanes: [Mutex<()>; LANES],
    lane_hasher: RandomState,
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
        let lanes = std::array::from_fn(|_| Mutex::default());
        Ok(Arc::new(Self { app, hub, lanes, lane_hasher: RandomState::new() }))
    }

    /// Starts the feed, and what hands out who is typing and who is online; they end with the app.
    pub fn start(self: &Arc<Self>, tracker: &TaskTracker) {
        tracker.spawn(feed::run(Arc::clone(self)));
        tracker.spawn(typing::run(Arc::clone(self)));
        tracker.spawn(presence::run(Arc::clone(self)));
    }

    /// Loads the payloads that some events of the ring lack, for all that share them; no statement where none is lacking.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn load_missing(&self, lease: &Lease, events: &[Arc<Event>]) -> AppResult<()> {
        let missing = |event: &&Arc<Event>| event.shared_payload().missing_version().is_some();
        let Some(first) = events.iter().find(missing) else { return Ok(()) };
        let conn = lease.read().await?;
        let lane = usize::try_from(self.lane_hasher.hash_one(first.row.topic())).unwrap_or(usize::MAX) % LANES;
        let _turn = match self.lanes.get(lane) {
            Some(lane) => Some(lane.lock().await),
            None => None,
        };
        loop {
            // What a later event replaces meanwhile is loaded again.
            let missing: Vec<_> =
                events.iter().filter_map(|event| Some((event, event.shared_payload().missing_version()?))).collect();
            if missing.is_empty() {
                self.hub.count_bytes(events);
                return Ok(());
            }
            let rows: Vec<_> = missing.iter().map(|(event, _)| &event.row).collect();
            let payloads = load::load_payloads(&self.app, &conn, &rows).await?;
            for ((event, version), payload) in missing.into_iter().zip(payloads) {
                event.shared_payload().fill(version, payload);
            }
        }
    }
}
