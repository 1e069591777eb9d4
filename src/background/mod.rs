//! Background tasks. Singletons run on the leader, the instance that sequences the events.

mod cleanup;
mod index;
mod jobs;
mod mail;
pub mod reindex;

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::contact;
use crate::live::Live;

/// Starts all background tasks; they end with [`App::stop`](crate::app::App::stop).
pub fn start(live: &Arc<Live>) -> TaskTracker {
    let tracker = TaskTracker::new();
    let app = &live.app;
    app.events.start(&app.stop, &tracker);
    live.start(&tracker);
    tracker.spawn(mail::run(Arc::clone(app)));
    tracker.spawn(jobs::run(Arc::clone(app)));
    tracker.spawn(cleanup::run(Arc::clone(app)));
    tracker.spawn(reindex::run(Arc::clone(app)));
    tracker.spawn(index::run(Arc::clone(app)));
    tracker.spawn(contact::ready());
    tracker.close();
    tracker
}
