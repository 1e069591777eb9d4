//! Outermost middleware: trace id, and conversion of panics.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use tracing::Instrument;

use super::client::ClientInfo;
use super::reply::Reply;
use crate::error::AppError;
use crate::http::endpoint::Endpoint;

/// Response header with the trace id.
pub const TRACE_HEADER: HeaderName = HeaderName::from_static("x-trace-id");

/// Assigns a trace id, and answers a panic with an internal error.
pub async fn trace_request(State(endpoint): State<Arc<Endpoint>>, mut request: Request, next: Next) -> Response {
    let client = ClientInfo::of(&endpoint.app.config, &request);
    let trace = client.trace.clone();
    request.extensions_mut().insert(client);
    let span = tracing::info_span!("request", trace = trace.as_str());
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span).await;
    let mut response = answered.unwrap_or_else(|_| {
        let metrics = &endpoint.app.metrics;
        metrics.panics.inc();
        Reply::plain(metrics, &trace).refuse(&AppError::internal("a handler panicked"))
    });
    if let Ok(value) = HeaderValue::from_str(trace.as_str()) {
        response.headers_mut().insert(TRACE_HEADER, value);
    }
    response
}
