//! GraphQL over server-sent events: graphql-sse's distinct connections, one operation a request.
//!
//! Each result is a `next` event, the end is a `complete` event. A stream that ends without one was interrupted: token or
//! session ended, shutdown, or network. The client reconnects, and `Last-Event-ID` resumes after that event.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Response;
use async_graphql::parser::types::OperationType;
use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response as HttpResponse};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc::{self, Sender};

use super::close_cause;
use super::execute::{self, Prepared};
use crate::auth::Requester;
use crate::error::{AppError, AppResult};
use crate::graphql::errors;
use crate::http::endpoint::Endpoint;
use crate::live::resume::Resume;
use crate::metrics::GaugeGuard;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Idle time before a comment, which keeps proxies from closing and detects lost clients.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(12);

/// Events queued for a slow reader, which is disconnected by the write timeout.
const QUEUE_LIMIT: usize = 16;

/// A comment, also sent first: some browsers open a stream at the first bytes.
const COMMENT: &str = ":\n\n";

/// With a data line: browsers do not dispatch events without one.
const COMPLETE: &str = "event: complete\ndata:\n\n";

/// Answers an operation with an event stream.
///
/// # Errors
/// Overloaded at the limit of streams.
pub fn answer(
    endpoint: &Arc<Endpoint>,
    prepared: Prepared,
    requester: Requester,
    headers: &HeaderMap,
) -> AppResult<HttpResponse> {
    let share = endpoint.streams.try_acquire(requester.ip, requester.is_local);
    let permit = share.map_err(|_| AppError::overloaded())?;
    let resume = match headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty()) {
        None => Resume::default(),
        Some(id) => match Resume::after(id.to_str().unwrap_or_default()) {
            Ok(resume) => resume,
            // As a result: clients would retry an error status.
            Err(error) => {
                let response = errors::error_response(&error, &requester.trace);
                execute::record_rejection(&endpoint.app.metrics, &response, &requester.trace, "sse");
                return Ok(error_stream(&response));
            }
        },
    };
    let (out, mut queue) = mpsc::channel(QUEUE_LIMIT);
    let metrics = &endpoint.app.metrics;
    let gauge = (GaugeGuard::new(&metrics.event_streams), GaugeGuard::new(&metrics.operations));
    let task = StreamTask { endpoint: Arc::clone(endpoint), requester, resume, out };
    endpoint.app.tracker.spawn(async move {
        let _guards = (permit, gauge);
        task.run(prepared).await;
    });
    let opened = stream::iter([Bytes::from_static(COMMENT.as_bytes())]);
    let events = stream::poll_fn(move |context| queue.poll_recv(context)).map(|(event, _gauge): QueuedEvent| event);
    Ok(respond(opened.chain(events)))
}

/// A rejected request as graphql-sse has it: one result with errors.
pub fn error_stream(response: &Response) -> HttpResponse {
    respond(stream::iter([next(response, None), Bytes::from_static(COMPLETE.as_bytes())]))
}

fn respond(events: impl Stream<Item = Bytes> + Send + 'static) -> HttpResponse {
    let headers = [
        (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        // Disables buffering in nginx.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(events.map(Ok::<_, Infallible>))).into_response()
}

/// An event in the queue.
type QueuedEvent = (Bytes, GaugeGuard);

/// The client disconnected.
struct Disconnected;

struct StreamTask {
    endpoint: Arc<Endpoint>,
    requester: Requester,
    resume: Resume,
    out: Sender<QueuedEvent>,
}

impl StreamTask {
    async fn run(self, mut prepared: Prepared) {
        let app = Arc::clone(&self.endpoint.app);
        if prepared.operation != OperationType::Subscription {
            let response = execute::run(&self.endpoint, prepared, &self.requester).await;
            let _ = self.finish(Some(next(&response, None))).await;
            return;
        }
        prepared.request = prepared.request.data(self.resume.clone());
        let mut closing = pin!(close_cause::wait_for_close(&app, self.requester.viewer));
        tokio::select! {
            _ = self.follow(prepared) => {}
            // Without `complete`: the client reconnects, with a new token or to another instance.
            _ = &mut closing => {}
        }
    }

    /// Sends the events of a subscription, and heartbeats.
    async fn follow(&self, prepared: Prepared) -> Result<(), Disconnected> {
        let mut responses = execute::subscribe(&self.endpoint, prepared, &self.requester);
        loop {
            let response = tokio::select! {
                response = tokio::time::timeout(HEARTBEAT_INTERVAL, responses.next()) => response,
                () = self.out.closed() => return Err(Disconnected),
            };
            match response {
                Err(_) => self.send(Bytes::from_static(COMMENT.as_bytes())).await?,
                Ok(None) => return self.finish(None).await,
                Ok(Some(response)) => {
                    let event = next(&response, self.resume.reached().as_deref());
                    if errors::is_request_error(&response, 1) {
                        return self.finish(Some(event)).await;
                    }
                    self.send(event).await?;
                }
            }
        }
    }

    async fn send(&self, event: Bytes) -> Result<(), Disconnected> {
        let permit = self.out.reserve().await.map_err(|_| Disconnected)?;
        permit.send((event, GaugeGuard::new(&self.endpoint.app.metrics.queued_frames)));
        Ok(())
    }

    async fn finish(&self, last: Option<Bytes>) -> Result<(), Disconnected> {
        if let Some(last) = last {
            self.send(last).await?;
        }
        self.send(Bytes::from_static(COMPLETE.as_bytes())).await
    }
}

/// A `next` event; serialised JSON has no line breaks.
fn next(response: &Response, id: Option<&str>) -> Bytes {
    let data = errors::to_json(response, errors::is_request_error(response, 1));
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    [b"event: next\n", id.as_bytes(), b"data: ", &data, b"\n\n"].concat().into()
}
