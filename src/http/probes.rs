//! Readiness and metrics, cached for a moment: a crowd that asks for them costs one look.

use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::app::App;
use crate::events::backlog::Backlog;

/// Cache lifetimes.
const BACKLOG_LIFETIME: Duration = Duration::from_millis(500);
const METRICS_LIFETIME: Duration = Duration::from_millis(500);

/// A value that is reloaded when older than its lifetime; concurrent readers share one load.
pub struct TimedCache<T> {
    lifetime: Duration,
    last: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> TimedCache<T> {
    pub fn new(lifetime: Duration) -> Self {
        Self { lifetime, last: Mutex::default() }
    }

    pub async fn get(&self, load: impl AsyncFnOnce() -> T) -> T {
        let mut last = self.last.lock().await;
        if let Some((at, value)) = &*last
            && at.elapsed() < self.lifetime
        {
            return value.clone();
        }
        let value = load().await;
        *last = Some((Instant::now(), value.clone()));
        value
    }
}

/// Cached readiness and metrics.
pub struct Probes {
    backlog: TimedCache<Option<Backlog>>,
    /// The text of `/metrics`.
    pub metrics_text: TimedCache<Bytes>,
}

impl Probes {
    /// Backlog of the event stream; none if the database does not answer.
    pub async fn backlog(&self, app: &App) -> Option<Backlog> {
        self.backlog.get(async || app.events.measure_backlog().await.ok()).await
    }
}

impl Default for Probes {
    fn default() -> Self {
        Self { backlog: TimedCache::new(BACKLOG_LIFETIME), metrics_text: TimedCache::new(METRICS_LIFETIME) }
    }
}
