//! GraphQL over WebSocket: the graphql-transport-ws protocol.
//!
//! Each operation runs in its own task, all write into one bounded queue. Slow readers get backpressure, and their
//! subscriptions catch up by position; a client that stops reading is disconnected after 10 seconds.

mod frame_queue;
mod operation;
mod protocol;
mod session;

use std::sync::Arc;

use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};

use super::accept::Accept;
use super::client::ClientInfo;
use super::credentials::of_headers;
use super::origin::may_connect;
use super::query_string::check_no_credentials;
use super::reply::Reply;
use crate::error::{AppError, ErrorCode};
use crate::http::endpoint::Endpoint;

const PROTOCOL: &str = "graphql-transport-ws";

/// The predecessor protocol; accepted only to be closed with a reason, which browsers hide otherwise.
const OLD_PROTOCOL: &str = "graphql-ws";

/// tungstenite's default of 128 KiB a connection is for bulk transfer.
const BUFFER_BYTES: usize = 4 * 1024;

/// Answers `GET /graphql/ws`.
pub async fn upgrade(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(client): Extension<ClientInfo>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => accept(endpoint, client, &uri, &headers, upgrade),
        Err(rejection) => rejection.into_response(),
    }
}

/// Accepts a socket, unless its origin is not allowed.
pub fn accept(
    endpoint: Arc<Endpoint>,
    client: ClientInfo,
    uri: &Uri,
    headers: &HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let app = Arc::clone(&endpoint.app);
    if !may_connect(headers, &app.config) {
        let error = AppError::Request(
            ErrorCode::CsrfRefused,
            "Pages of this origin may not open sockets; PLAZA_ALLOWED_ORIGINS lists those that may.".into(),
        );
        return Reply::to(&Accept::of(headers), &app.metrics, &client.trace).refuse(&error);
    }
    let handshake = match check_no_credentials(uri).and_then(|()| Ok(of_headers(headers)?)) {
        Ok(token) => token.map(ToOwned::to_owned),
        Err(error) => return Reply::to(&Accept::of(headers), &app.metrics, &client.trace).refuse(&error),
    };
    let most = app.config.transport.body;
    upgrade
        .protocols([PROTOCOL, OLD_PROTOCOL])
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(most)
        .max_frame_size(most)
        .on_upgrade(move |socket| app.tracker.track_future(session::run(endpoint, client, handshake, socket)))
}
