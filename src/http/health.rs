//! Whether Plaza lives, whether it can serve, and its figures.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::Endpoint;

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
    match app.events.is_readable().await {
        Ok(()) => "ready\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "no database\n").into_response(),
    }
}

/// Answers `GET /metrics` in the text format that Prometheus reads.
pub async fn metrics(State(endpoint): State<Endpoint>) -> Response {
    let text = endpoint.app.metrics.encode(&endpoint.app);
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}
