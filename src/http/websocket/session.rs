//! The life of one socket: opened → acknowledged (who it is) → operations → closed with a code.

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

use super::outbox::{self, Outbox};
use super::protocol::{self, ClientMessage, Close};
use super::{PROTOCOL, operation};
use crate::auth::{Requester, SessionEnd, TokenError};
use crate::error::{AppError, ErrorCode};
use crate::graphql::document::Asked;
use crate::http::credentials::{self, NotUnderstood};
use crate::http::endpoint::Endpoint;
use crate::http::gate::Caller;
use crate::http::lifetime::{self, End};
use crate::http::shares::Full;
use crate::metrics::Counted;
use crate::telemetry::TraceId;

/// A client says who it is within this time.
const INIT_TIMEOUT: Duration = Duration::from_secs(8);

/// The server pings this often; a client that has said nothing for twice as long is gone.
const PING_EVERY: Duration = Duration::from_secs(25);

/// Queries and mutations that run when the socket has to close get so long to answer; at the process's end, longer.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
const LAST_ANSWERS_DRAINING: Duration = Duration::from_secs(5);

/// An operation that runs.
struct Running {
    task: AbortHandle,
    /// Known to be a subscription.
    streams: Arc<AtomicBool>,
}

type Operations = Arc<Mutex<HashMap<String, Running>>>;

fn lock(operations: &Operations) -> MutexGuard<'_, HashMap<String, Running>> {
    operations.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves a socket until one side closes it.
pub async fn run(endpoint: Endpoint, caller: Caller, handshake: Option<String>, socket: WebSocket) {
    let metrics = &endpoint.app.metrics;
    let _counted = Counted::new(&metrics.sockets);
    let wrong_protocol = socket.protocol().is_none_or(|protocol| protocol.as_bytes() != PROTOCOL.as_bytes());
    let (sink, stream) = socket.split();
    let (out, queue) = Outbox::new(&metrics.queued_frames);
    let (close, closing) = oneshot::channel();
    let writer = tokio::spawn(outbox::write(sink, queue, closing));
    let share = endpoint.streams.take(caller.ip, caller.is_local);
    let reason = if wrong_protocol {
        Some(Close::WRONG_PROTOCOL)
    } else if let Err(full) = share {
        Some(if full == Full::Network { Close::TOO_MANY_FROM_ADDRESS } else { Close::OVERLOADED })
    } else {
        let mut session = Session {
            endpoint: &endpoint,
            caller,
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

struct Session<'a> {
    endpoint: &'a Endpoint,
    caller: Caller,
    /// The token that came with the upgrade.
    handshake: Option<String>,
    out: Outbox,
    operations: Operations,
    tasks: TaskTracker,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        for (_, operation) in lock(&self.operations).drain() {
            operation.task.abort();
        }
    }
}

impl Session<'_> {
    /// Why the server closes the socket; none when the client did, or is gone.
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
        let mut ended = pin!(lifetime::ended(&self.endpoint.app, requester.viewer));
        let mut heard = Instant::now();
        let mut ping = tokio::time::interval_at(heard + PING_EVERY, PING_EVERY);
        loop {
            tokio::select! {
                message = stream.next() => {
                    heard = Instant::now();
                    // Whatever became of the timer: nothing is asked with an expired token.
                    if requester.viewer.is_some_and(|viewer| lifetime::has_expired(&self.endpoint.app, viewer)) {
                        return Some(Close::TOKEN_EXPIRED);
                    }
                    if let Err(close) = self.handle(message, &requester).await {
                        return close;
                    }
                }
                end = &mut ended => {
                    self.finish(end).await;
                    return Some(end.into());
                }
                () = self.out.closed() => return Some(Close::SLOW_READER),
                _ = ping.tick() => {
                    if heard.elapsed() > PING_EVERY * 2 {
                        return None;
                    }
                    // A full queue is busy enough to tell whether anybody reads.
                    self.out.try_send(Message::Ping(axum::body::Bytes::new()));
                }
            }
        }
    }

    /// Lets what runs answer before the socket closes; a logout's own answer is such a one.
    async fn finish(&self, end: End) {
        lock(&self.operations).retain(|_, operation| {
            let streams = operation.streams.load(Ordering::Relaxed);
            if streams {
                operation.task.abort();
            }
            !streams
        });
        self.tasks.close();
        let grace = if end == End::Draining { LAST_ANSWERS_DRAINING } else { LAST_ANSWERS };
        let _ = timeout(grace, self.tasks.wait()).await;
    }

    /// Waits for `connection_init` and acknowledges it.
    async fn initialise(&mut self, stream: &mut SplitStream<WebSocket>) -> Result<Requester, Option<Close>> {
        loop {
            match read(stream.next().await)? {
                // Nothing runs yet that could be ended.
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
        let found = found.map_err(|NotUnderstood| Some(Close::NOT_UNDERSTOOD))?.flatten();
        // What the client says now is newer than what it opened the socket with.
        let token = found.or(self.handshake.as_deref());
        let viewer = token.map(|token| self.endpoint.app.authenticate(token)).transpose();
        let viewer = viewer.map_err(|error| Some(refusal(error)))?;
        Ok(Requester { trace: TraceId::generate(), ..credentials::known(&self.caller, viewer) })
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
                let error = self.admit(running).err().unwrap_or(error);
                self.send(operation::refuse(self.endpoint, &requester, &id, &error)).await
            }
        }
    }

    /// Who asks for one more operation, under a trace id of its own, and how many run beside it.
    fn begin(&self, id: &str, requester: &Requester) -> Result<(Requester, usize), Option<Close>> {
        let operations = lock(&self.operations);
        if operations.contains_key(id) {
            return Err(Some(Close::DUPLICATE_ID));
        }
        Ok((Requester { trace: TraceId::generate(), ..requester.clone() }, operations.len()))
    }

    async fn subscribe(&mut self, id: String, asked: Asked, requester: &Requester) -> Result<(), Option<Close>> {
        let (requester, running) = self.begin(&id, requester)?;
        if let Err(error) = self.admit(running) {
            return self.send(operation::refuse(self.endpoint, &requester, &id, &error)).await;
        }
        let (endpoint, out, operations) = (self.endpoint.clone(), self.out.clone(), Arc::clone(&self.operations));
        let (registered, go) = oneshot::channel::<()>();
        let streams = Arc::new(AtomicBool::new(false));
        let (name, says) = (id.clone(), Arc::clone(&streams));
        let task = self.tasks.spawn(async move {
            // Not before it is known by its id, or it might end and never be forgotten.
            let _ = go.await;
            let farewell = operation::run(&endpoint, &requester, (&name, asked), &out, &says).await;
            // Forgotten first: the client may use the id again as soon as it hears that this one is over. It may have
            // ended it already and be using the id for something else: then there is nothing to say.
            let own = {
                let mut operations = lock(&operations);
                let own = operations.get(&name).is_some_and(|running| running.task.id() == tokio::task::id());
                own && operations.remove(&name).is_some()
            };
            if let (true, Some(farewell)) = (own, farewell) {
                let _ = out.send(farewell).await;
            }
        });
        lock(&self.operations).insert(id, Running { task: task.abort_handle(), streams });
        let _ = registered.send(());
        Ok(())
    }

    /// Whether one more operation may start beside those that run.
    fn admit(&self, running: usize) -> Result<(), AppError> {
        let most = self.endpoint.app.config.transport.operations;
        if running >= most {
            let message = format!("A socket runs {most} operations at once.");
            return Err(AppError::Request(ErrorCode::Overloaded, message));
        }
        self.endpoint.addresses.count(&self.caller).map_err(AppError::rate_limited)
    }
}

impl From<End> for Close {
    fn from(end: End) -> Self {
        match end {
            End::TokenExpired => Self::TOKEN_EXPIRED,
            End::Session(reason) => reason.into(),
            End::Draining => Self::GOING_AWAY,
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

/// The graphql-ws client comes back after 4403 and asks for a fresh token first; 4401 is final to it.
fn refusal(error: TokenError) -> Close {
    match error {
        TokenError::Invalid => Close::TOKEN_INVALID,
        TokenError::Expired => Close::TOKEN_EXPIRED,
        TokenError::Ended(reason) => reason.into(),
    }
}

/// A message of the protocol; none for the frames beneath it.
fn read(message: Option<Result<Message, axum::Error>>) -> Result<Option<ClientMessage>, Option<Close>> {
    match message {
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(Some(Close::MALFORMED)),
        Some(Ok(Message::Text(text))) => protocol::parse(&text).map(Some).ok_or(Some(Close::MALFORMED)),
        Some(Err(error)) if error.to_string().contains("too long") => Err(Some(Close::TOO_LARGE)),
        // Frames that are none; where the line itself is broken, nobody hears it.
        Some(Err(_)) => Err(Some(Close::PROTOCOL_ERROR)),
        None | Some(Ok(Message::Close(_))) => Err(None),
    }
}
