//! One operation of a socket, in its own task.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::parser::types::OperationType;
use axum::extract::ws::Message;
use futures_util::{FutureExt, StreamExt};

use super::frame_queue::FrameQueue;
use super::protocol;
use crate::auth::Requester;
use crate::error::AppError;
use crate::graphql::document::GraphqlRequest;
use crate::graphql::errors;
use crate::http::endpoint::Endpoint;
use crate::http::execute;
use crate::metrics::GaugeGuard;

/// Label in log and metrics.
const TRANSPORT: &str = "socket";

/// The message that ends an operation: `complete` or `error`.
pub type FinalMessage = Option<Message>;

/// The message that starts an operation.
pub struct SubscribeMessage<'a> {
    /// The client's name for the operation.
    pub id: &'a str,
    /// The operation.
    pub params: GraphqlRequest,
}

/// Runs an operation, sending results as they come; returns the final message. Sets `is_subscription` once known: those
/// can be aborted without loss.
pub async fn run(
    endpoint: &Endpoint,
    requester: &Requester,
    message: SubscribeMessage<'_>,
    out: &FrameQueue,
    is_subscription: &AtomicBool,
) -> FinalMessage {
    let _gauge = GaugeGuard::new(&endpoint.app.metrics.operations);
    let id = message.id;
    let running = AssertUnwindSafe(perform(endpoint, requester, message, out, is_subscription));
    running.catch_unwind().await.unwrap_or_else(|_| {
        endpoint.app.metrics.panics.inc();
        Some(reject(endpoint, requester, id, &AppError::internal("an operation of a socket panicked")))
    })
}

/// The error message for a rejected operation.
pub fn reject(endpoint: &Endpoint, requester: &Requester, id: &str, error: &AppError) -> Message {
    let response = errors::error_response(error, &requester.trace);
    execute::record_rejection(&endpoint.app.metrics, &response, &requester.trace, TRANSPORT);
    protocol::error(id, &response.errors)
}

async fn perform(
    endpoint: &Endpoint,
    requester: &Requester,
    message: SubscribeMessage<'_>,
    out: &FrameQueue,
    is_subscription: &AtomicBool,
) -> FinalMessage {
    let SubscribeMessage { id, params } = message;
    let prepared = match execute::prepare(endpoint, params, Vec::new(), requester, TRANSPORT) {
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
    is_subscription.store(true, Ordering::Relaxed);
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
