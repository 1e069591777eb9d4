//! GraphQL over WebSocket: the graphql-transport-ws protocol, in a loop of our own.
//!
//! Each operation runs in a task of its own, so a busy stream can't starve the others. All write into one bounded
//! queue: a client that reads slowly holds back its own operations, whose subscriptions then catch up by position, and
//! one that stops reading is cut after 10 seconds.

mod operation;
mod outbox;
mod protocol;
mod session;

use std::sync::Arc;

use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};

use super::accept::Accept;
use super::credentials::of_headers;
use super::gate::Caller;
use super::origin::may_connect;
use super::query_string::check_no_credentials;
use super::reply::Reply;
use crate::error::{AppError, ErrorCode};
use crate::http::endpoint::Endpoint;

/// The subprotocol's name.
const PROTOCOL: &str = "graphql-transport-ws";

/// The name of the protocol before it. It is taken only to be closed with a reason: a browser shows none otherwise.
const OLD_PROTOCOL: &str = "graphql-ws";

/// Six kilobytes a connection instead of 145: tungstenite's own default is made for bulk transfer.
const BUFFER: usize = 4 * 1024;

/// Answers `GET /graphql/ws`.
pub async fn upgrade(
    State(endpoint): State<Endpoint>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => accept(endpoint, caller, (&uri, &headers), upgrade),
        Err(rejection) => rejection.into_response(),
    }
}

/// Takes a socket over, unless another site's page opens it.
pub fn accept(
    endpoint: Endpoint,
    caller: Caller,
    (uri, headers): (&Uri, &HeaderMap),
    upgrade: WebSocketUpgrade,
) -> Response {
    let app = Arc::clone(&endpoint.app);
    if !may_connect(headers, &app.config) {
        let error = AppError::Request(
            ErrorCode::CsrfRefused,
            "Pages of this origin may not open sockets; PLAZA_ALLOWED_ORIGINS lists those that may.".into(),
        );
        return Reply::to(&Accept::of(headers), &app.metrics, &caller.trace).refuse(&error);
    }
    let handshake = match check_no_credentials(uri).and_then(|()| Ok(of_headers(headers)?)) {
        Ok(token) => token.map(ToOwned::to_owned),
        Err(error) => return Reply::to(&Accept::of(headers), &app.metrics, &caller.trace).refuse(&error),
    };
    let most = app.config.transport.body;
    upgrade
        .protocols([PROTOCOL, OLD_PROTOCOL])
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(most)
        .max_frame_size(most)
        .on_upgrade(move |socket| app.tracker.track_future(session::run(endpoint, caller, handshake, socket)))
}
