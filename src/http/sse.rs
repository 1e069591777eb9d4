//! GraphQL over server-sent events: graphql-sse's distinct connections, one operation a request.
//!
//! Each result is a `next` event, the end is a `complete` event. A stream that ends without one was cut: by the end of
//! its token or session, by the end of the process, or by the network. The client comes back, and an `id` that it sends
//! as `Last-Event-ID` resumes right behind the event of that id.

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

use super::execute::{self, Prepared};
use super::lifetime;
use crate::auth::Requester;
use crate::error::{AppError, AppResult};
use crate::graphql::errors;
use crate::http::endpoint::Endpoint;
use crate::live::resume::Resume;
use crate::metrics::Counted;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A comment is sent after so long a silence, which keeps the stream open on its way and finds out who is gone.
const HEARTBEAT: Duration = Duration::from_secs(12);

/// Events that wait for a slow reader. Whoever takes nothing for longer than the server's time to write is cut.
const QUEUE: usize = 16;

/// A comment: some browsers open a stream only when something came.
const COMMENT: &str = ":\n\n";

/// Browsers fire an event only if it has data, be it empty.
const COMPLETE: &str = "event: complete\ndata:\n\n";

/// Answers an operation with a stream.
///
/// # Errors
/// Overloaded when there are too many.
pub fn answer(
    endpoint: &Endpoint,
    prepared: Prepared,
    requester: Requester,
    headers: &HeaderMap,
) -> AppResult<HttpResponse> {
    let share = endpoint.streams.take(requester.ip, requester.is_local);
    let permit = share.map_err(|_| AppError::overloaded())?;
    let resume = match headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty()) {
        None => Resume::default(),
        Some(id) => match Resume::after(id.to_str().unwrap_or_default()) {
            Ok(resume) => resume,
            // A result, for a client would try a status again.
            Err(error) => {
                let response = errors::refusal(&error, &requester.trace);
                execute::record_refusal(&endpoint.app.metrics, &response, &requester.trace, "sse");
                return Ok(refused(&response));
            }
        },
    };
    let (out, mut queue) = mpsc::channel(QUEUE);
    let metrics = &endpoint.app.metrics;
    let counted = (Counted::new(&metrics.event_streams), Counted::new(&metrics.operations));
    let answering = Answering { endpoint: endpoint.clone(), requester, resume, out };
    endpoint.app.tracker.spawn(async move {
        let _held = (permit, counted);
        answering.run(prepared).await;
    });
    let opened = stream::iter([Bytes::from_static(COMMENT.as_bytes())]);
    let events = stream::poll_fn(move |context| queue.poll_recv(context)).map(|(event, _counted): Queued| event);
    Ok(respond(opened.chain(events)))
}

/// Answers what was refused: as graphql-sse has it, with a result of errors.
pub fn refused(response: &Response) -> HttpResponse {
    respond(stream::iter([next(response, None), Bytes::from_static(COMPLETE.as_bytes())]))
}

fn respond(events: impl Stream<Item = Bytes> + Send + 'static) -> HttpResponse {
    let headers = [
        (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        // Proxies such as nginx would hold events back to fill their buffers.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(events.map(Ok::<_, Infallible>))).into_response()
}

/// An event that waits to be written.
type Queued = (Bytes, Counted);

/// Nobody reads any more.
struct Gone;

struct Answering {
    endpoint: Endpoint,
    requester: Requester,
    resume: Resume,
    out: Sender<Queued>,
}

impl Answering {
    async fn run(self, mut prepared: Prepared) {
        let app = Arc::clone(&self.endpoint.app);
        if prepared.operation != OperationType::Subscription {
            let response = execute::run(&self.endpoint, prepared, &self.requester).await;
            let _ = self.finish(Some(next(&response, None))).await;
            return;
        }
        prepared.request = prepared.request.data(self.resume.clone());
        let mut ended = pin!(lifetime::ended(&app, self.requester.viewer));
        tokio::select! {
            _ = self.follow(prepared) => {}
            // Without a farewell: the client comes back, with a new token or to another instance.
            _ = &mut ended => {}
        }
    }

    /// Sends the events of a subscription, and a comment in each silence.
    async fn follow(&self, prepared: Prepared) -> Result<(), Gone> {
        let mut responses = execute::subscribe(&self.endpoint, prepared, &self.requester);
        loop {
            let response = tokio::select! {
                response = tokio::time::timeout(HEARTBEAT, responses.next()) => response,
                () = self.out.closed() => return Err(Gone),
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

    async fn send(&self, event: Bytes) -> Result<(), Gone> {
        let permit = self.out.reserve().await.map_err(|_| Gone)?;
        permit.send((event, Counted::new(&self.endpoint.app.metrics.queued_frames)));
        Ok(())
    }

    async fn finish(&self, last: Option<Bytes>) -> Result<(), Gone> {
        if let Some(last) = last {
            self.send(last).await?;
        }
        self.send(Bytes::from_static(COMPLETE.as_bytes())).await
    }
}

/// One result. JSON has no line breaks of its own.
fn next(response: &Response, id: Option<&str>) -> Bytes {
    let data = errors::to_json(response, errors::is_request_error(response, 1));
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    [b"event: next\n", id.as_bytes(), b"data: ", &data, b"\n\n"].concat().into()
}
