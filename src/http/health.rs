//! Whether Plaza lives, whether it can serve, and its figures.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::gate::Caller;
use crate::app::App;
use crate::events::backlog::Backlog;
use crate::http::endpoint::Endpoint;
use crate::metrics::Sampled;

/// For so long, what was seen of the database and of the figures is told to all who ask.
const BACKLOG_LIFETIME: Duration = Duration::from_millis(500);
const FIGURES_LIFETIME: Duration = Duration::from_millis(500);

/// Answers `GET /healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Answers `GET /readyz`: 503 while draining, without a database, and while events stand still.
pub async fn ready(State(endpoint): State<Endpoint>) -> Response {
    let app = &endpoint.app;
    if app.draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    match endpoint.looks.backlog(app).await {
        None => (StatusCode::SERVICE_UNAVAILABLE, "no database\n").into_response(),
        Some(backlog) => match backlog.standstill(app.config.event_lag_seconds) {
            Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason).into_response(),
            None => "ready\n".into_response(),
        },
    }
}

/// Answers `GET /metrics` in the text format that Prometheus reads: for those who send `PLAZA_METRICS_TOKEN`, and for
/// programs of this machine where no proxy is known. Where one is, what comes from this machine without a client's address
/// may come through it from anywhere.
pub async fn metrics(
    State(endpoint): State<Endpoint>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    let app = &endpoint.app;
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let expected = app.config.metrics_token.as_deref();
    let allowed =
        expected.zip(given).is_some_and(|(expected, given)| app.keys.matches(&app.keys.hash(&[expected]), &[given]));
    if !caller.is_local && !allowed {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    }
    let encode = async || Bytes::from(app.metrics.encode(&sample(&endpoint).await));
    let text = endpoint.looks.figures.get(encode).await;
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}

async fn sample(endpoint: &Endpoint) -> Sampled {
    let (app, hub) = (&endpoint.app, &endpoint.live.hub);
    let pool = app.database.status();
    Sampled {
        backlog: endpoint.looks.backlog(app).await,
        event_head: app.events.head().position,
        is_leading: app.events.is_leading(),
        subscriptions: hub.subscriptions(),
        queued_events: hub.queued(),
        tasks: app.tracker.len(),
        mutations: app.config.mutations.saturating_sub(app.mutations.available_permits()),
        connections: pool.open,
        idle_connections: pool.idle,
        statements: app.database.statements().total(),
    }
}

/// What was seen at the last look, for all who ask within a while of it: a crowd costs one look.
pub struct Look<T> {
    lifetime: Duration,
    last: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Look<T> {
    fn new(lifetime: Duration) -> Self {
        Self { lifetime, last: Mutex::default() }
    }

    async fn get(&self, look: impl AsyncFnOnce() -> T) -> T {
        let mut last = self.last.lock().await;
        if let Some((at, seen)) = &*last
            && at.elapsed() < self.lifetime
        {
            return seen.clone();
        }
        let seen = look().await;
        *last = Some((Instant::now(), seen.clone()));
        seen
    }
}

/// Looks at what costs something.
pub struct Looks {
    backlog: Look<Option<Backlog>>,
    figures: Look<Bytes>,
}

impl Looks {
    /// How far the events are behind; none when the database does not answer.
    async fn backlog(&self, app: &App) -> Option<Backlog> {
        self.backlog.get(async || app.events.measure_backlog().await.ok()).await
    }
}

impl Default for Looks {
    fn default() -> Self {
        Self { backlog: Look::new(BACKLOG_LIFETIME), figures: Look::new(FIGURES_LIFETIME) }
    }
}
