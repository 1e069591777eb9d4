//! From a request to its response, the same for every transport.
//!
//! The operation is prepared by [`crate::graphql::document`], and the engine runs it. A mutation runs in
//! a task of its own: a client that hangs up does not cancel it, their number is bounded, each has a deadline, and the
//! end of the process waits for them. A panic anywhere is one internal error.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationType};
use async_graphql::{Pos, Positioned, Request, Response};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use tracing::Instrument;

use super::multipart::File;
use super::places::Place;
use crate::auth::Requester;
use crate::error::{AppError, AppResult, ErrorCode};
use crate::graphql::document::{Asked, Refused};
use crate::graphql::errors;
use crate::http::endpoint::Endpoint;
use crate::metrics::Metrics;
use crate::permit::MutationPermit;
use crate::telemetry::TraceId;

/// A mutation that takes longer is given up.
const DEADLINE: Duration = Duration::from_secs(30);

/// A request that may run.
pub struct Prepared {
    /// What the engine is given.
    pub request: Request,
    /// What the chosen operation is.
    pub operation: OperationType,
    /// Its name, for the log.
    name: Option<String>,
    /// http, socket or sse, for log and figures.
    transport: &'static str,
    since: Instant,
    /// The place of its files among all uploads.
    place: Option<Place>,
}

impl Prepared {
    /// Holds the place of its files until it is answered.
    pub fn with_place(self, place: Option<Place>) -> Self {
        Self { place, ..self }
    }
}

/// Prepares the operation that is asked for.
///
/// # Errors
/// The response that refuses the request.
pub fn prepare(
    endpoint: &Endpoint,
    (asked, files): (Asked, Vec<File>),
    requester: &Requester,
    transport: &'static str,
) -> Result<Prepared, Box<Response>> {
    let since = Instant::now();
    let prepared = std::panic::catch_unwind(AssertUnwindSafe(|| try_prepare(endpoint, asked, files, requester)));
    let refused = match prepared {
        Ok(Ok((request, operation, name))) => {
            return Ok(Prepared { request, operation, name, transport, since, place: None });
        }
        Ok(Err(refused)) => refused,
        Err(_) => Refused::Request(panicked(endpoint)),
    };
    let mut response = match refused {
        Refused::Request(error) => errors::refusal(&error, &requester.trace),
        Refused::Document(stage, mut errors) => {
            for error in &mut errors {
                errors::complete(error, stage, &requester.trace);
            }
            Response::from_errors(errors)
        }
    };
    errors::tell_authentication(&mut response, requester);
    endpoint.app.metrics.answered(transport, None, since.elapsed());
    record_refusal(&endpoint.app.metrics, &response, &requester.trace, transport);
    Err(Box::new(response))
}

/// Counts what was refused before it ran; whoever comes with its trace id finds it in the log.
pub fn record_refusal(metrics: &Metrics, response: &Response, trace: &TraceId, transport: &'static str) {
    errors::count(metrics, response);
    let code = response.errors.first().map(errors::code);
    tracing::info!(trace = trace.as_str(), transport, code, "refused");
}

type Found = (Request, OperationType, Option<String>);

fn try_prepare(
    endpoint: &Endpoint,
    mut asked: Asked,
    files: Vec<File>,
    requester: &Requester,
) -> Result<Found, Refused> {
    let mut request = Request::new("").variables(asked.variables.take().unwrap_or_default()).data(requester.clone());
    let count = files.len();
    for (place, file) in files {
        request.set_upload(&place, file);
    }
    let operation = endpoint.documents.prepare(&asked, std::mem::take(&mut request.variables), count)?;
    let kind = operation.ty;
    let operations = DocumentOperations::Single(Positioned::new(operation, Pos::default()));
    request.set_parsed_query(ExecutableDocument { operations, fragments: HashMap::new() });
    Ok((request, kind, asked.operation_name))
}

/// Runs a query or a mutation.
pub async fn run(endpoint: &Endpoint, prepared: Prepared, requester: &Requester) -> Response {
    let Prepared { request, operation, name, transport, since, place } = prepared;
    let result = match operation {
        OperationType::Mutation => run_mutation(endpoint, (request, place), requester).await,
        _ => match AssertUnwindSafe(endpoint.engine.execute(request)).catch_unwind().await {
            Ok(response) => Ok(response),
            Err(_) => Err(panicked(endpoint)),
        },
    };
    let mut response = match result {
        Ok(mut response) => {
            errors::finish(&mut response, &requester.trace);
            response
        }
        Err(error) => errors::refusal(&error, &requester.trace),
    };
    errors::tell_authentication(&mut response, requester);
    let took = since.elapsed();
    endpoint.app.metrics.answered(transport, Some(operation), took);
    errors::count(&endpoint.app.metrics, &response);
    tracing::info!(
        trace = requester.trace.as_str(),
        transport,
        %operation,
        name = name.as_deref().unwrap_or_default(),
        user = requester.viewer.map(|viewer| viewer.user_id.0),
        errors = response.errors.len(),
        code = response.errors.first().map(errors::code),
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}

/// Opens a subscription: its responses, complete.
pub fn subscribe(endpoint: &Endpoint, prepared: Prepared, requester: &Requester) -> BoxStream<'static, Response> {
    let (app, trace) = (Arc::clone(&endpoint.app), requester.trace.clone());
    app.metrics.answered(prepared.transport, Some(OperationType::Subscription), prepared.since.elapsed());
    tracing::info!(
        trace = trace.as_str(),
        transport = prepared.transport,
        name = prepared.name.as_deref().unwrap_or_default(),
        user = requester.viewer.map(|viewer| viewer.user_id.0),
        "subscribed"
    );
    let responses = AssertUnwindSafe(endpoint.engine.subscribe(prepared.request)).catch_unwind();
    responses
        .map(move |response| {
            let response = if let Ok(mut response) = response {
                errors::finish(&mut response, &trace);
                response
            } else {
                app.metrics.panics.inc();
                errors::refusal(&AppError::internal("a subscription panicked"), &trace)
            };
            errors::count(&app.metrics, &response);
            response
        })
        .boxed()
}

/// What brings files has its place among the uploads; everything else takes one of the mutations' permits, which lies with
/// the request for what waits long and gives it back meanwhile.
async fn run_mutation(
    endpoint: &Endpoint,
    (request, place): (Request, Option<Place>),
    requester: &Requester,
) -> AppResult<Response> {
    let app = &endpoint.app;
    let request = if place.is_some() { request } else { request.data(MutationPermit::take(&app.mutations)?) };
    let engine = Arc::clone(&endpoint.engine);
    let span = tracing::info_span!("mutation", trace = requester.trace.as_str());
    let task = async move {
        let _held = place;
        tokio::time::timeout(DEADLINE, engine.execute(request)).await
    };
    match app.tracker.spawn(task.instrument(span)).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_)) => Err(AppError::Request(ErrorCode::Overloaded, "The mutation took too long.".into())),
        Err(_) => Err(panicked(endpoint)),
    }
}

/// The hook has logged where; the client hears that it was our fault.
fn panicked(endpoint: &Endpoint) -> AppError {
    endpoint.app.metrics.panics.inc();
    AppError::internal("an operation panicked")
}
