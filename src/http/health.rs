//! Liveness, readiness and metrics.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::client::ClientInfo;
use crate::http::endpoint::Endpoint;
use crate::metrics::MetricsSample;

/// Answers `GET /healthz`: liveness.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Answers `GET /readyz`: 503 while draining, without a database, and while the event stream is stuck.
pub async fn ready(State(endpoint): State<Arc<Endpoint>>) -> Response {
    let app = &endpoint.app;
    if app.draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    match endpoint.probes.backlog(app).await {
        None => (StatusCode::SERVICE_UNAVAILABLE, "no database\n").into_response(),
        Some(backlog) => match backlog.standstill(app.config.event_lag_seconds) {
            Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason).into_response(),
            None => "ready\n".into_response(),
        },
    }
}

/// Answers `GET /metrics` in the `OpenMetrics` text format: with `PLAZA_METRICS_TOKEN`, or for local programs unless a proxy
/// is configured, as requests through a local proxy may come from anywhere.
pub async fn metrics(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(client): Extension<ClientInfo>,
    headers: HeaderMap,
) -> Response {
    let app = &endpoint.app;
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let expected = app.config.metrics_token.as_deref();
    let allowed =
        expected.zip(given).is_some_and(|(expected, given)| app.keys.matches(&app.keys.hash(&[expected]), &[given]));
    if !client.is_local && !allowed {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    }
    let encode = async || Bytes::from(app.metrics.encode(&sample(&endpoint).await));
    let text = endpoint.probes.metrics_text.get(encode).await;
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}

async fn sample(endpoint: &Endpoint) -> MetricsSample {
    let (app, hub) = (&endpoint.app, &endpoint.live.hub);
    let pool = app.database.status();
    MetricsSample {
        backlog: endpoint.probes.backlog(app).await,
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
