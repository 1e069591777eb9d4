//! The life of one socket: opened → acknowledged (who it is) → operations → closed with a code.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::protocol::{self, ClientMessage, Close};
use super::{PROTOCOL, operation};
use crate::auth::{Requester, TokenError};
use crate::error::{AppError, ErrorCode};
use crate::graphql::errors;
use crate::http::Endpoint;
use crate::http::graphql::{Client, bearer};
use crate::telemetry::TraceId;

/// A client says who it is within this time.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// One frame is written within this time.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);

/// The server pings this often; a client that has said nothing for twice as long is gone.
const PING_EVERY: Duration = Duration::from_secs(25);

/// Frames that wait for the socket.
const QUEUE: usize = 16;

/// Operations of one socket.
const MOST_OPERATIONS: usize = 50;

/// An expiry further away than this is looked at again then.
const FAR_AWAY: Duration = Duration::from_secs(3600);

type Operations = Arc<Mutex<HashMap<String, AbortHandle>>>;

/// Serves a socket until one side closes it.
pub async fn run(endpoint: Endpoint, client: Client, socket: WebSocket) {
    let wrong_protocol = socket.protocol().is_none_or(|protocol| protocol.as_bytes() != PROTOCOL.as_bytes());
    let (sink, stream) = socket.split();
    let (out, queue) = mpsc::channel(QUEUE);
    let (close, closing) = oneshot::channel();
    let writer = tokio::spawn(write(sink, queue, closing));
    let reason = if wrong_protocol {
        Some(Close::WRONG_PROTOCOL)
    } else {
        let mut session = Session { endpoint: &endpoint, client, out: out.clone(), operations: Operations::default() };
        session.serve(stream).await
    };
    drop(out);
    let _ = close.send(reason);
    let _ = writer.await;
}

/// Writes frames as they come, then the close frame.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut queue: mpsc::Receiver<Message>,
    closing: oneshot::Receiver<Option<Close>>,
) {
    let mut closing = pin!(closing);
    let close = loop {
        tokio::select! {
            biased;
            close = &mut closing => break close.ok().flatten(),
            frame = queue.recv() => {
                let Some(frame) = frame else { break (&mut closing).await.ok().flatten() };
                match timeout(WRITE_TIMEOUT, sink.send(frame)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    // Dropping the queue ends the session, too.
                    Err(_) => break Some(Close::SLOW_READER),
                }
            }
        }
    };
    if let Some(close) = close {
        let _ = timeout(Duration::from_secs(1), sink.send(close.frame())).await;
        let _ = timeout(Duration::from_secs(1), sink.close()).await;
    }
}

struct Session<'a> {
    endpoint: &'a Endpoint,
    client: Client,
    out: mpsc::Sender<Message>,
    operations: Operations,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        for (_, operation) in self.operations().drain() {
            operation.abort();
        }
    }
}

impl Session<'_> {
    fn operations(&self) -> std::sync::MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the server closes the socket; none when the client did, or is gone.
    async fn serve(&mut self, mut stream: SplitStream<WebSocket>) -> Option<Close> {
        let requester = match timeout(INIT_TIMEOUT, self.initialise(&mut stream)).await {
            Err(_) => return Some(Close::INIT_TIMEOUT),
            Ok(Err(close)) => return close,
            Ok(Ok(requester)) => requester,
        };
        let app = &self.endpoint.app;
        let watch = requester.viewer.map(|viewer| app.revoked.watch(viewer.session_id));
        let ended = async {
            match &watch {
                Some(watch) => watch.ended().await,
                None => std::future::pending().await,
            }
        };
        let mut ended = pin!(ended);
        let mut heard = Instant::now();
        let mut ping = tokio::time::interval_at(heard + PING_EVERY, PING_EVERY);
        loop {
            let left = requester.viewer.map_or(FAR_AWAY, |viewer| {
                (viewer.expires_at - app.clock.now()).to_std().unwrap_or_default().min(FAR_AWAY)
            });
            if left.is_zero() {
                return Some(Close::TOKEN_EXPIRED);
            }
            tokio::select! {
                message = stream.next() => {
                    heard = Instant::now();
                    if let Err(close) = self.handle(message, &requester).await {
                        return close;
                    }
                }
                () = &mut ended => return Some(Close::SIGNED_OUT),
                () = app.draining.cancelled() => return Some(Close::GOING_AWAY),
                () = self.out.closed() => return Some(Close::SLOW_READER),
                _ = ping.tick() => {
                    if heard.elapsed() > PING_EVERY * 2 {
                        return None;
                    }
                    // A full queue is busy enough to tell whether anybody reads.
                    let _ = self.out.try_send(Message::Ping(axum::body::Bytes::new()));
                }
                () = tokio::time::sleep(left) => {}
            }
        }
    }

    /// Waits for `connection_init` and acknowledges it.
    async fn initialise(&mut self, stream: &mut SplitStream<WebSocket>) -> Result<Requester, Option<Close>> {
        loop {
            match read(stream.next().await)? {
                None | Some(ClientMessage::Pong) => {}
                Some(ClientMessage::ConnectionInit { payload }) => {
                    let requester = self.identify(payload.as_ref())?;
                    self.send(protocol::connection_ack()).await?;
                    return Ok(requester);
                }
                Some(ClientMessage::Ping { payload }) => self.send(protocol::pong(payload)).await?,
                Some(ClientMessage::Subscribe { .. } | ClientMessage::Complete { .. }) => {
                    return Err(Some(Close::UNAUTHORIZED));
                }
            }
        }
    }

    fn identify(&self, payload: Option<&serde_json::Value>) -> Result<Requester, Option<Close>> {
        // Whatever its case: GraphiQL passes on the headers as they were typed.
        let authorization = payload
            .and_then(serde_json::Value::as_object)
            .and_then(|payload| payload.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization")))
            .map(|(_, value)| value)
            .filter(|value| !value.is_null());
        let app = &self.endpoint.app;
        let viewer = match authorization {
            None => None,
            Some(value) => {
                let token = bearer(value.as_str().unwrap_or_default()).map_err(|_| Some(Close::FORBIDDEN))?;
                Some(app.authenticate(token).map_err(|error| Some(refusal(error)))?)
            }
        };
        Ok(Requester { viewer, ip: self.client.0.map(|address| address.ip()), trace: TraceId::generate() })
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
            None | Some(ClientMessage::Pong) => Ok(()),
            Some(ClientMessage::ConnectionInit { .. }) => Err(Some(Close::TOO_MANY_INITS)),
            Some(ClientMessage::Ping { payload }) => self.send(protocol::pong(payload)).await,
            Some(ClientMessage::Complete { id }) => {
                if let Some(operation) = self.operations().remove(&id) {
                    operation.abort();
                }
                Ok(())
            }
            Some(ClientMessage::Subscribe { id, payload }) => self.subscribe(id, *payload, requester).await,
        }
    }

    async fn subscribe(
        &mut self,
        id: String,
        request: async_graphql::Request,
        requester: &Requester,
    ) -> Result<(), Option<Close>> {
        let running = {
            let operations = self.operations();
            if operations.contains_key(&id) {
                return Err(Some(Close::DUPLICATE_ID));
            }
            operations.len()
        };
        let requester = Requester { trace: TraceId::generate(), ..requester.clone() };
        if running >= MOST_OPERATIONS {
            let error =
                AppError::Request(ErrorCode::Overloaded, format!("A socket runs {MOST_OPERATIONS} operations."));
            return self.send(protocol::error(&id, &errors::refusal(&error, &requester.trace).errors)).await;
        }
        let (endpoint, out, operations) = (self.endpoint.clone(), self.out.clone(), Arc::clone(&self.operations));
        let (registered, go) = oneshot::channel::<()>();
        let name = id.clone();
        let task = tokio::spawn(async move {
            // Not before it is known by its id, or it might end and never be forgotten.
            let _ = go.await;
            let farewell = operation::run(&endpoint, &requester, (&name, request), &out).await;
            // Forgotten first: the client may use the id again as soon as it hears that this one is over. It may have
            // ended it already and be using the id for something else: then there is nothing to say.
            let own = {
                let mut operations = operations.lock().unwrap_or_else(PoisonError::into_inner);
                let own = operations.get(&name).is_some_and(|running| running.id() == tokio::task::id());
                own && operations.remove(&name).is_some()
            };
            if let (true, Some(farewell)) = (own, farewell) {
                let _ = out.send(farewell).await;
            }
        });
        self.operations().insert(id, task.abort_handle());
        let _ = registered.send(());
        Ok(())
    }
}

/// The graphql-ws client comes back after 4403, and asks for a fresh token first.
fn refusal(error: TokenError) -> Close {
    match error {
        TokenError::Invalid => Close::FORBIDDEN,
        TokenError::Expired => Close::TOKEN_EXPIRED,
        TokenError::Revoked => Close::SIGNED_OUT,
    }
}

/// A message of the protocol; none for the frames beneath it.
fn read(message: Option<Result<Message, axum::Error>>) -> Result<Option<ClientMessage>, Option<Close>> {
    match message {
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(Some(Close::MALFORMED)),
        Some(Ok(Message::Text(text))) => serde_json::from_str(&text).map(Some).map_err(|_| Some(Close::MALFORMED)),
        Some(Err(error)) if error.to_string().contains("too long") => Err(Some(Close::TOO_LARGE)),
        None | Some(Ok(Message::Close(_)) | Err(_)) => Err(None),
    }
}
