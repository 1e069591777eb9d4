//! One operation of a socket, in a task of its own.

use async_graphql::parser::types::OperationType;
use axum::extract::ws::Message;
use futures_util::StreamExt;
use tokio::sync::mpsc::Sender;

use super::protocol;
use crate::auth::Requester;
use crate::graphql::errors;
use crate::http::{Endpoint, execute};

/// What has to be said once the operation is over: that it is complete, unless an error said so.
pub type Farewell = Option<Message>;

/// Runs an operation to its end and returns its last word. Results go out as they come.
pub async fn run(
    endpoint: &Endpoint,
    requester: &Requester,
    (id, request): (&str, async_graphql::Request),
    out: &Sender<Message>,
) -> Farewell {
    let prepared = match execute::prepare(request, requester) {
        Ok(prepared) => prepared,
        Err(response) => return Some(protocol::error(id, &response.errors)),
    };
    if prepared.operation != OperationType::Subscription {
        let response = execute::run(endpoint, prepared, &requester.trace).await;
        return if errors::is_request_error(&response, 0) {
            Some(protocol::error(id, &response.errors))
        } else {
            let _ = out.send(protocol::next(id, &protocol::payload(&response))).await;
            Some(protocol::complete(id))
        };
    }
    let mut stream = endpoint.schema.execute_stream(prepared.request);
    while let Some(mut response) = stream.next().await {
        errors::finish(&mut response, &requester.trace);
        if errors::is_request_error(&response, 1) {
            return Some(protocol::error(id, &response.errors));
        }
        if out.send(protocol::next(id, &protocol::payload(&response))).await.is_err() {
            return None;
        }
    }
    Some(protocol::complete(id))
}
