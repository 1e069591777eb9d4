//! Around every request: its trace id, and the net that catches panics.

use std::panic::AssertUnwindSafe;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use tracing::Instrument;

use super::gate::Caller;
use super::reply::Reply;
use crate::error::AppError;
use crate::http::endpoint::Endpoint;

/// The header that tells the client how the log names its request.
pub const TRACE: HeaderName = HeaderName::from_static("x-trace-id");

/// Names the request, runs it, and answers a panic as an internal error.
pub async fn observe(State(endpoint): State<Endpoint>, mut request: Request, next: Next) -> Response {
    let caller = Caller::of(&endpoint.app.config, &request);
    let trace = caller.trace.clone();
    request.extensions_mut().insert(caller);
    let span = tracing::info_span!("request", trace = trace.as_str());
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span).await;
    let mut response = answered.unwrap_or_else(|_| {
        let metrics = &endpoint.app.metrics;
        metrics.panics.inc();
        Reply::plain(metrics, &trace).refuse(&AppError::internal("a handler panicked"))
    });
    if let Ok(value) = HeaderValue::from_str(trace.as_str()) {
        response.headers_mut().insert(TRACE, value);
    }
    response
}
