//! One socket: open → `connection_init` acknowledged → operations → closed with a code.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use serde_json::{Map, Value};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use super::frame_queue::{self, FrameQueue};
use super::operation::SubscribeMessage;
use super::protocol::{self, ClientMessage, Close};
use super::{PROTOCOL, operation};
use crate::auth::{Requester, SessionEnd, TokenError};
use crate::error::{AppError, ErrorCode};
use crate::graphql::document::GraphqlRequest;
use crate::http::client::ClientInfo;
use crate::http::close_cause::{self, CloseCause};
use crate::http::credentials::{self, MalformedCredentials};
use crate::http::endpoint::Endpoint;
use crate::http::shared_limit::LimitReached;
use crate::metrics::GaugeGuard;
use crate::telemetry::TraceId;

/// Timeout of `connection_init`.
const INIT_TIMEOUT: Duration = Duration::from_secs(8);

/// Interval of pings; a client silent for twice as long is disconnected.
const PING_INTERVAL: Duration = Duration::from_secs(25);

/// Time for running queries and mutations to answer before a close; longer at shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
const SHUTDOWN_DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// A running operation.
struct RunningOperation {
    task: AbortHandle,
    /// Set once it is known to be a subscription.
    is_subscription: Arc<AtomicBool>,
}

type Operations = Arc<Mutex<HashMap<String, RunningOperation>>>;

fn lock(operations: &Operations) -> MutexGuard<'_, HashMap<String, RunningOperation>> {
    operations.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves a socket until one side closes it.
pub async fn run(endpoint: Arc<Endpoint>, client: ClientInfo, handshake: Option<String>, socket: WebSocket) {
    let metrics = &endpoint.app.metrics;
    let _gauge = GaugeGuard::new(&metrics.sockets);
    let wrong_protocol = socket.protocol().is_none_or(|protocol| protocol.as_bytes() != PROTOCOL.as_bytes());
    let (sink, stream) = socket.split();
    let (out, queue) = FrameQueue::new(&metrics.queued_frames);
    let (close, closing) = oneshot::channel();
    let writer = tokio::spawn(frame_queue::write(sink, queue, closing));
    let share = endpoint.streams.try_acquire(client.ip, client.is_local);
    let reason = if wrong_protocol {
        Some(Close::WRONG_PROTOCOL)
    } else if let Err(reached) = share {
        Some(if reached == LimitReached::Network { Close::TOO_MANY_FROM_ADDRESS } else { Close::OVERLOADED })
    } else {
        let mut session = SocketSession {
            endpoint: &endpoint,
            client,
            handshake,
            out: out.clone(),
            operations: Operations::default(),
            tasks: TaskTracker::new(),
        };
        session.serve(stream).await
    };
    drop(out);
    let _ = close.send(reason);
    let _ = writer.await;
}

struct SocketSession<'a> {
    endpoint: &'a Arc<Endpoint>,
    client: ClientInfo,
    /// Token of the upgrade request.
    handshake: Option<String>,
    out: FrameQueue,
    operations: Operations,
    tasks: TaskTracker,
}

impl Drop for SocketSession<'_> {
    fn drop(&mut self) {
        for (_, operation) in lock(&self.operations).drain() {
            operation.task.abort();
        }
    }
}

impl SocketSession<'_> {
    /// Runs until a side closes; returns the server's close, none if the client closed or is gone.
    async fn serve(&mut self, mut stream: SplitStream<WebSocket>) -> Option<Close> {
        let draining = self.endpoint.app.draining.clone();
        let initialised = tokio::select! {
            initialised = timeout(INIT_TIMEOUT, self.initialise(&mut stream)) => initialised,
            () = draining.cancelled() => return Some(Close::GOING_AWAY),
        };
        let requester = match initialised {
            Err(_) => return Some(Close::INIT_TIMEOUT),
            Ok(Err(close)) => return close,
            Ok(Ok(requester)) => requester,
        };
        let mut closing = pin!(close_cause::wait_for_close(&self.endpoint.app, requester.viewer));
        let mut last_activity = Instant::now();
        let mut ping = tokio::time::interval_at(last_activity + PING_INTERVAL, PING_INTERVAL);
        loop {
            tokio::select! {
                message = stream.next() => {
                    last_activity = Instant::now();
                    // Independent of the timer: an expired token runs nothing.
                    if requester.viewer.is_some_and(|viewer| close_cause::has_expired(&self.endpoint.app, viewer)) {
                        return Some(Close::TOKEN_EXPIRED);
                    }
                    if let Err(close) = self.handle(message, &requester).await {
                        return close;
                    }
                }
                cause = &mut closing => {
                    self.drain(cause).await;
                    return Some(cause.into());
                }
                () = self.out.closed() => return Some(Close::SLOW_READER),
                _ = ping.tick() => {
                    if last_activity.elapsed() > PING_INTERVAL * 2 {
                        return None;
                    }
                    // Skipped for a full queue, which detects a dead client by its write timeout.
                    self.out.try_send(Message::Ping(axum::body::Bytes::new()));
                }
            }
        }
    }

    /// Waits for running queries and mutations before the close, such as a logout.
    async fn drain(&self, cause: CloseCause) {
        lock(&self.operations).retain(|_, operation| {
            let is_subscription = operation.is_subscription.load(Ordering::Relaxed);
            if is_subscription {
                operation.task.abort();
            }
            !is_subscription
        });
        self.tasks.close();
        let grace = if cause == CloseCause::Draining { SHUTDOWN_DRAIN_TIMEOUT } else { DRAIN_TIMEOUT };
        let _ = timeout(grace, self.tasks.wait()).await;
    }

    /// Waits for `connection_init` and acknowledges it.
    async fn initialise(&mut self, stream: &mut SplitStream<WebSocket>) -> Result<Requester, Option<Close>> {
        loop {
            match read(stream.next().await)? {
                // No operation runs yet.
                None | Some(ClientMessage::Pong { .. } | ClientMessage::Complete { .. }) => {}
                Some(ClientMessage::ConnectionInit { payload }) => {
                    let requester = self.identify(payload.as_ref())?;
                    self.send(protocol::connection_ack()).await?;
                    return Ok(requester);
                }
                Some(ClientMessage::Ping { payload }) => self.send(protocol::pong(payload)).await?,
                Some(ClientMessage::Subscribe { .. } | ClientMessage::Unreadable { .. }) => {
                    return Err(Some(Close::UNAUTHORIZED));
                }
            }
        }
    }

    fn identify(&self, payload: Option<&Map<String, Value>>) -> Result<Requester, Option<Close>> {
        let found = payload.map(credentials::of_payload).transpose();
        let found = found.map_err(|MalformedCredentials| Some(Close::MALFORMED_CREDENTIALS))?.flatten();
        // `connection_init` overrides the token of the upgrade.
        let token = found.or(self.handshake.as_deref());
        let viewer = token.map(|token| self.endpoint.app.authenticate(token)).transpose();
        let viewer = viewer.map_err(|error| Some(close_for(error)))?;
        Ok(Requester { trace: TraceId::generate(), ..credentials::new_requester(&self.client, viewer) })
    }

    async fn send(&self, message: Message) -> Result<(), Option<Close>> {
        self.out.send(message).await.map_err(|_| None)
    }

    async fn handle(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
        requester: &Requester,
    ) -> Result<(), Option<Close>> {
        match read(message)? {
            None | Some(ClientMessage::Pong { .. }) => Ok(()),
            Some(ClientMessage::ConnectionInit { .. }) => Err(Some(Close::TOO_MANY_INITS)),
            Some(ClientMessage::Ping { payload }) => self.send(protocol::pong(payload)).await,
            Some(ClientMessage::Complete { id }) => {
                if let Some(operation) = lock(&self.operations).remove(&id) {
                    operation.task.abort();
                }
                Ok(())
            }
            Some(ClientMessage::Subscribe { id, payload }) => self.subscribe(id, payload.0, requester).await,
            Some(ClientMessage::Unreadable { id, error }) => {
                let (requester, running) = self.begin(&id, requester)?;
                let error = self.check_limits(running).err().unwrap_or(error);
                self.send(operation::reject(self.endpoint, &requester, &id, &error)).await
            }
        }
    }

    /// The requester of a new operation, with its own trace id, and the number of running operations.
    fn begin(&self, id: &str, requester: &Requester) -> Result<(Requester, usize), Option<Close>> {
        let operations = lock(&self.operations);
        if operations.contains_key(id) {
            return Err(Some(Close::DUPLICATE_ID));
        }
        Ok((Requester { trace: TraceId::generate(), ..requester.clone() }, operations.len()))
    }

    async fn subscribe(
        &mut self,
        id: String,
        params: GraphqlRequest,
        requester: &Requester,
    ) -> Result<(), Option<Close>> {
        let (requester, running) = self.begin(&id, requester)?;
        if let Err(error) = self.check_limits(running) {
            return self.send(operation::reject(self.endpoint, &requester, &id, &error)).await;
        }
        let (endpoint, out, operations) = (Arc::clone(self.endpoint), self.out.clone(), Arc::clone(&self.operations));
        let (registered, registered_rx) = oneshot::channel::<()>();
        let is_subscription = Arc::new(AtomicBool::new(false));
        let (name, subscription_flag) = (id.clone(), Arc::clone(&is_subscription));
        let task = self.tasks.spawn(async move {
            // Waits until it is registered by its id, or it could end before and never be removed.
            let _ = registered_rx.await;
            let message = SubscribeMessage { id: &name, params };
            let final_message = operation::run(&endpoint, &requester, message, &out, &subscription_flag).await;
            // Removed first: the client may reuse the id as soon as it gets the final message. If it completed the
            // operation and reuses the id already, there is no final message.
            let still_registered = {
                let mut operations = lock(&operations);
                let still_registered =
                    operations.get(&name).is_some_and(|running| running.task.id() == tokio::task::id());
                still_registered && operations.remove(&name).is_some()
            };
            if let (true, Some(final_message)) = (still_registered, final_message) {
                let _ = out.send(final_message).await;
            }
        });
        lock(&self.operations).insert(id, RunningOperation { task: task.abort_handle(), is_subscription });
        let _ = registered.send(());
        Ok(())
    }

    /// Checks the operation limit and the rate limit.
    fn check_limits(&self, running: usize) -> Result<(), AppError> {
        let most = self.endpoint.app.config.transport.operations;
        if running >= most {
            let message = format!("A socket runs {most} operations at once.");
            return Err(AppError::Request(ErrorCode::Overloaded, message));
        }
        self.endpoint.ip_limiter.count(&self.client).map_err(AppError::rate_limited)
    }
}

impl From<CloseCause> for Close {
    fn from(cause: CloseCause) -> Self {
        match cause {
            CloseCause::TokenExpired => Self::TOKEN_EXPIRED,
            CloseCause::Session(reason) => reason.into(),
            CloseCause::Draining => Self::GOING_AWAY,
        }
    }
}

impl From<SessionEnd> for Close {
    fn from(reason: SessionEnd) -> Self {
        match reason {
            SessionEnd::SignedOut => Self::SIGNED_OUT,
            SessionEnd::Revoked => Self::REVOKED,
            SessionEnd::Suspended => Self::SUSPENDED,
        }
    }
}

/// The graphql-ws client reconnects with a fresh token after 4403; 4401 is final.
fn close_for(error: TokenError) -> Close {
    match error {
        TokenError::Invalid => Close::TOKEN_INVALID,
        TokenError::Expired => Close::TOKEN_EXPIRED,
        TokenError::Ended(reason) => reason.into(),
    }
}

/// Parses a text frame; none for ping and pong frames.
fn read(message: Option<Result<Message, axum::Error>>) -> Result<Option<ClientMessage>, Option<Close>> {
    match message {
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(Some(Close::MALFORMED)),
        Some(Ok(Message::Text(text))) => protocol::parse(&text).map(Some).ok_or(Some(Close::MALFORMED)),
        Some(Err(error)) if error.to_string().contains("too long") => Err(Some(Close::TOO_LARGE)),
        // Malformed frames, or a broken connection.
        Some(Err(_)) => Err(Some(Close::PROTOCOL_ERROR)),
        None | Some(Ok(Message::Close(_))) => Err(None),
    }
}
