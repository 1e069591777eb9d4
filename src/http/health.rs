//! Whether Plaza lives, whether it can serve, and its figures.

use std::fmt::Write;

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

/// Answers `GET /metrics` in Prometheus' text format.
pub async fn metrics(State(endpoint): State<Endpoint>) -> Response {
    let app = &endpoint.app;
    let pool = app.database.status();
    #[expect(clippy::cast_precision_loss, reason = "a lag of 2^52 milliseconds would be no concern of precision")]
    let figures: [(&str, &str, &str, f64); 8] = [
        ("plaza_event_head", "gauge", "Position of the stream's head here.", app.events.head() as f64),
        (
            "plaza_event_feed_lag_seconds",
            "gauge",
            "Time from an event's place in the stream to this instance's hub, lately.",
            app.events.lag_millis() as f64 / 1000.0,
        ),
        (
            "plaza_event_sequencer",
            "gauge",
            "1 on the instance that sequences the events.",
            f64::from(u8::from(app.events.is_leading())),
        ),
        ("plaza_subscriptions", "gauge", "Subscriptions in the hub.", app.events.hub().subscriptions() as f64),
        ("plaza_tasks", "gauge", "Running mutations and sockets.", app.tracker.len() as f64),
        ("plaza_db_connections", "gauge", "Open connections of the pool.", f64::from(pool.open)),
        ("plaza_db_connections_idle", "gauge", "Idle connections of the pool.", f64::from(pool.idle)),
        (
            "plaza_db_statements_total",
            "counter",
            "Statements sent through the pool.",
            app.database.statements().total() as f64,
        ),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in figures {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
