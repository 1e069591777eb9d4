//! One operation of a socket, in a task of its own.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::parser::types::OperationType;
use axum::extract::ws::Message;
use futures_util::{FutureExt, StreamExt};

use super::outbox::Outbox;
use super::protocol;
use crate::auth::Requester;
use crate::error::AppError;
use crate::graphql::document::Asked;
use crate::graphql::errors;
use crate::http::endpoint::Endpoint;
use crate::http::execute;
use crate::metrics::Counted;

/// For log and figures.
const TRANSPORT: &str = "socket";

/// What has to be said once the operation is over: that it is complete, unless an error said so.
pub type Farewell = Option<Message>;

/// Runs an operation to its end and returns its last word. Results go out as they come. `streams` is set once it is
/// known to be a subscription, which nothing is lost by cutting.
pub async fn run(
    endpoint: &Endpoint,
    requester: &Requester,
    (id, asked): (&str, Asked),
    out: &Outbox,
    streams: &AtomicBool,
) -> Farewell {
    let _counted = Counted::new(&endpoint.app.metrics.operations);
    let running = AssertUnwindSafe(perform(endpoint, requester, (id, asked), out, streams));
    running.catch_unwind().await.unwrap_or_else(|_| {
        endpoint.app.metrics.panics.inc();
        Some(refuse(endpoint, requester, id, &AppError::internal("an operation of a socket panicked")))
    })
}

/// The message that refuses an operation.
pub fn refuse(endpoint: &Endpoint, requester: &Requester, id: &str, error: &AppError) -> Message {
    let response = errors::refusal(error, &requester.trace);
    execute::record_refusal(&endpoint.app.metrics, &response, &requester.trace, TRANSPORT);
    protocol::error(id, &response.errors)
}

async fn perform(
    endpoint: &Endpoint,
    requester: &Requester,
    (id, asked): (&str, Asked),
    out: &Outbox,
    streams: &AtomicBool,
) -> Farewell {
    let prepared = match execute::prepare(endpoint, (asked, Vec::new()), requester, TRANSPORT) {
        Ok(prepared) => prepared,
        Err(response) => return Some(protocol::error(id, &response.errors)),
    };
    if prepared.operation != OperationType::Subscription {
        let response = execute::run(endpoint, prepared, requester).await;
        return if errors::is_request_error(&response, 0) {
            Some(protocol::error(id, &response.errors))
        } else {
            let _ = out.send(protocol::next(id, &protocol::payload(&response))).await;
            Some(protocol::complete(id))
        };
    }
    streams.store(true, Ordering::Relaxed);
    let mut responses = execute::subscribe(endpoint, prepared, requester);
    while let Some(response) = responses.next().await {
        if errors::is_request_error(&response, 1) {
            return Some(protocol::error(id, &response.errors));
        }
        if out.send(protocol::next(id, &protocol::payload(&response))).await.is_err() {
            return None;
        }
    }
    Some(protocol::complete(id))
}
