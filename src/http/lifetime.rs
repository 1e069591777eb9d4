//! How long a socket or an event stream may live: as long as its token, its session and this process.

use std::time::Duration;

use crate::app::App;
use crate::auth::{SessionEnd, Viewer};

/// An expiry further away than this is looked at again then.
const FAR_AWAY: Duration = Duration::from_hours(1);

/// Why it has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The access token is over.
    TokenExpired,
    /// The session was ended, for this reason.
    Session(SessionEnd),
    /// The process ends.
    Draining,
}

/// Whether the access token is over.
pub fn has_expired(app: &App, viewer: Viewer) -> bool {
    viewer.expires_at <= app.clock.now()
}

/// Returns once whatever a viewer opened has to end.
pub async fn ended(app: &App, viewer: Option<Viewer>) -> End {
    let Some(viewer) = viewer else {
        app.draining.cancelled().await;
        return End::Draining;
    };
    let watch = app.revoked.watch(viewer.session_id);
    loop {
        if has_expired(app, viewer) {
            return End::TokenExpired;
        }
        let left = (viewer.expires_at - app.clock.now()).to_std().unwrap_or_default();
        tokio::select! {
            reason = watch.ended() => return End::Session(reason),
            () = app.draining.cancelled() => return End::Draining,
            () = tokio::time::sleep(left.min(FAR_AWAY)) => {}
        }
    }
}
