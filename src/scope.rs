//! What a use case is given: the app, who asks, and the connection of this execution.

use std::sync::Arc;

use crate::app::App;
use crate::auth::{Requester, Viewer};
use crate::db::Lease;
use crate::error::AppResult;
use crate::events::StreamCursor;

/// One execution of an operation, or one event of a subscription.
pub struct Scope {
    /// The app.
    pub app: Arc<App>,
    /// Who asks.
    pub requester: Requester,
    /// The execution's connection, taken when first used.
    pub db: Lease,
    /// How far the event stream had come here before the execution read anything.
    pub started_at: StreamCursor,
}

impl Scope {
    /// A fresh scope.
    #[must_use]
    pub fn new(app: Arc<App>, requester: Requester) -> Self {
        let started_at = app.events.head();
        let db = app.database.lease();
        Self { app, requester, db, started_at }
    }

    /// The signed-in user.
    ///
    /// # Errors
    /// Unauthenticated when no token was sent.
    pub fn viewer(&self) -> AppResult<Viewer> {
        self.requester.require_viewer()
    }
}
