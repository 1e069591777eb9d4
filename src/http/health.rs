//! Whether Plaza lives, whether it can serve, and its figures.

use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Endpoint;
use super::gate::Caller;

/// How long it is remembered that the database answered.
const REMEMBERED: Duration = Duration::from_secs(1);

/// When the database answered last, for all who ask whether Plaza can serve: one look at a time, and one a second at most.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<Instant>>);

/// Answers `GET /healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Answers `GET /readyz`: 503 while draining or without a database.
pub async fn ready(State(endpoint): State<Endpoint>) -> Response {
    let app = &endpoint.app;
    if app.draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    let mut answered = endpoint.readiness.0.lock().await;
    if answered.is_none_or(|at| at.elapsed() > REMEMBERED) {
        *answered = app.events.is_readable().await.ok().map(|()| Instant::now());
    }
    match *answered {
        Some(_) => "ready\n".into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "no database\n").into_response(),
    }
}

/// Answers `GET /metrics` in the text format that Prometheus reads: for programs of this machine, and for those who send
/// `PLAZA_METRICS_TOKEN`.
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
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], app.metrics.encode(app))
        .into_response()
}
