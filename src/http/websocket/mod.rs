//! GraphQL over WebSocket: the graphql-transport-ws protocol, in a loop of our own.
//!
//! Each operation runs in a task of its own, so a busy stream can't starve the others. All write into one bounded
//! queue: a client that reads slowly holds back its own operations, whose subscriptions then catch up by position, and
//! one that stops reading is cut after 15 seconds.

mod operation;
mod protocol;
mod session;

use axum::extract::State;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::response::{IntoResponse, Response};

use super::Endpoint;
use super::graphql::Client;

/// The subprotocol's name.
const PROTOCOL: &str = "graphql-transport-ws";

/// The largest message from a client.
const LARGEST_MESSAGE: usize = 64 * 1024;

/// Six kilobytes a connection instead of 145: tungstenite's own default is made for bulk transfer.
const BUFFER: usize = 4 * 1024;

/// Answers `GET /graphql/ws`.
pub async fn upgrade(
    State(endpoint): State<Endpoint>,
    client: Client,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => accept(endpoint, client, upgrade),
        Err(rejection) => rejection.into_response(),
    }
}

/// Takes a socket over.
pub fn accept(endpoint: Endpoint, client: Client, upgrade: WebSocketUpgrade) -> Response {
    let tracker = endpoint.app.tracker.clone();
    upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE)
        .on_upgrade(move |socket| tracker.track_future(session::run(endpoint, client, socket)))
}
