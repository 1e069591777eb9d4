//! Why a socket or an event stream is closed: end of its token, its session, or this process.

use std::time::Duration;

use crate::app::App;
use crate::auth::{SessionEnd, Viewer};

/// The expiry is rechecked at this interval, as the wall clock may be adjusted.
const RECHECK_INTERVAL: Duration = Duration::from_hours(1);

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCause {
    /// The access token expired.
    TokenExpired,
    /// The session ended.
    Session(SessionEnd),
    /// The server is shutting down.
    Draining,
}

/// Whether the access token expired.
pub fn has_expired(app: &App, viewer: Viewer) -> bool {
    viewer.expires_at <= app.clock.now()
}

/// Waits until the viewer's connection has to be closed.
pub async fn wait_for_close(app: &App, viewer: Option<Viewer>) -> CloseCause {
    let Some(viewer) = viewer else {
        app.draining.cancelled().await;
        return CloseCause::Draining;
    };
    let watch = app.revoked.watch(viewer.session_id);
    loop {
        if has_expired(app, viewer) {
            return CloseCause::TokenExpired;
        }
        let left = (viewer.expires_at - app.clock.now()).to_std().unwrap_or_default();
        tokio::select! {
            reason = watch.ended() => return CloseCause::Session(reason),
            () = app.draining.cancelled() => return CloseCause::Draining,
            () = tokio::time::sleep(left.min(RECHECK_INTERVAL)) => {}
        }
    }
}
