//! Execution of a request, shared by all transports.
//!
//! [`crate::graphql::document`] prepares the operation, the engine runs it. A mutation runs in its own task: it is not
//! cancelled when the client disconnects, has a timeout, and is awaited at shutdown; their number is bounded. A panic
//! becomes an internal error.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationType};
use async_graphql::{Pos, Positioned, Request, Response};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use tracing::Instrument;

use super::multipart::MappedFile;
use super::upload_slots::UploadSlot;
use crate::auth::Requester;
use crate::error::{AppError, AppResult, ErrorCode};
use crate::graphql::document::{DocumentError, GraphqlRequest};
use crate::graphql::shared::{CurrentEvent, OperationKey};
use crate::graphql::{context, errors};
use crate::http::endpoint::Endpoint;
use crate::metrics::Metrics;
use crate::permit::MutationPermit;
use crate::scope::Scope;
use crate::telemetry::TraceId;

/// Timeout of a mutation.
const MUTATION_TIMEOUT: Duration = Duration::from_secs(30);

/// A validated operation, ready to run.
pub struct Prepared {
    /// Request for the engine.
    pub request: Request,
    /// Type of the selected operation.
    pub operation: OperationType,
    /// Operation name, for the log.
    name: Option<String>,
    /// `http`, `socket` or `sse`, for log and metrics.
    transport: &'static str,
    since: Instant,
    /// Upload slot, if it has files.
    slot: Option<UploadSlot>,
}

impl Prepared {
    /// Holds the upload slot until the response.
    pub fn with_slot(self, slot: Option<UploadSlot>) -> Self {
        Self { slot, ..self }
    }
}

/// Prepares the requested operation.
///
/// # Errors
/// The error response.
pub fn prepare(
    endpoint: &Endpoint,
    params: GraphqlRequest,
    files: Vec<MappedFile>,
    requester: &Requester,
    transport: &'static str,
) -> Result<Prepared, Box<Response>> {
    let since = Instant::now();
    let prepared = std::panic::catch_unwind(AssertUnwindSafe(|| try_prepare(endpoint, params, files, requester)));
    let error = match prepared {
        Ok(Ok((request, operation, name))) => {
            return Ok(Prepared { request, operation, name, transport, since, slot: None });
        }
        Ok(Err(error)) => error,
        Err(_) => DocumentError::Request(panicked(endpoint)),
    };
    let mut response = match error {
        DocumentError::Request(error) => errors::error_response(&error, &requester.trace),
        DocumentError::Document(stage, mut errors) => {
            for error in &mut errors {
                errors::complete(error, stage, &requester.trace);
            }
            Response::from_errors(errors)
        }
    };
    errors::add_authentication(&mut response, requester);
    endpoint.app.metrics.record_operation(transport, None, since.elapsed());
    record_rejection(&endpoint.app.metrics, &response, &requester.trace, transport);
    Err(Box::new(response))
}

/// Counts and logs a request rejected before execution.
pub fn record_rejection(metrics: &Metrics, response: &Response, trace: &TraceId, transport: &'static str) {
    errors::count(metrics, response);
    let code = response.errors.first().map(errors::code);
    tracing::info!(trace = trace.as_str(), transport, code, "refused");
}

type PreparedParts = (Request, OperationType, Option<String>);

fn try_prepare(
    endpoint: &Endpoint,
    mut params: GraphqlRequest,
    files: Vec<MappedFile>,
    requester: &Requester,
) -> Result<PreparedParts, DocumentError> {
    let mut request = Request::new("").variables(params.variables.take().unwrap_or_default()).data(requester.clone());
    let count = files.len();
    for (path, file) in files {
        request.set_upload(&path, file);
    }
    let operation = endpoint.documents.prepare(&params, std::mem::take(&mut request.variables), count)?;
    let kind = operation.ty;
    if kind == OperationType::Subscription {
        request = request.data(OperationKey::of(&operation)).data(CurrentEvent::default());
    }
    let operations = DocumentOperations::Single(Positioned::new(operation, Pos::default()));
    request.set_parsed_query(ExecutableDocument { operations, fragments: HashMap::new() });
    Ok((request, kind, params.operation_name))
}

/// Runs a query or a mutation.
pub async fn run(endpoint: &Endpoint, prepared: Prepared, requester: &Requester) -> Response {
    let Prepared { request, operation, name, transport, since, slot } = prepared;
    let result = if operation == OperationType::Mutation {
        run_mutation(endpoint, request, slot, requester).await
    } else {
        let scope = Scope::reading(Arc::clone(&endpoint.app), requester.clone());
        let execution = context::execute(&*endpoint.engine, scope, request);
        AssertUnwindSafe(execution).catch_unwind().await.map_err(|_| panicked(endpoint))
    };
    let mut response = match result {
        Ok(mut response) => {
            errors::finish(&mut response, &requester.trace);
            response
        }
        Err(error) => errors::error_response(&error, &requester.trace),
    };
    errors::add_authentication(&mut response, requester);
    let took = since.elapsed();
    endpoint.app.metrics.record_operation(transport, Some(operation), took);
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

/// Opens a subscription; completes the errors of its responses.
pub fn subscribe(endpoint: &Endpoint, prepared: Prepared, requester: &Requester) -> BoxStream<'static, Response> {
    let (app, trace) = (Arc::clone(&endpoint.app), requester.trace.clone());
    app.metrics.record_operation(prepared.transport, Some(OperationType::Subscription), prepared.since.elapsed());
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
                errors::error_response(&AppError::internal("a subscription panicked"), &trace)
            };
            errors::count(&app.metrics, &response);
            response
        })
        .boxed()
}

/// Bounded by the upload slot, or by a mutation permit, which is put into the request's data so that slow resolvers can
/// pause it.
async fn run_mutation(
    endpoint: &Endpoint,
    request: Request,
    slot: Option<UploadSlot>,
    requester: &Requester,
) -> AppResult<Response> {
    let app = &endpoint.app;
    let request = if slot.is_some() { request } else { request.data(MutationPermit::take(&app.mutations)?) };
    let engine = Arc::clone(&endpoint.engine);
    let scope = Scope::new(Arc::clone(app), requester.clone());
    let span = tracing::info_span!("mutation", trace = requester.trace.as_str());
    let task = async move {
        let _slot = slot;
        tokio::time::timeout(MUTATION_TIMEOUT, context::execute(&*engine, scope, request)).await
    };
    match app.tracker.spawn(task.instrument(span)).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_)) => Err(AppError::Request(ErrorCode::Overloaded, "The mutation took too long.".into())),
        Err(_) => Err(panicked(endpoint)),
    }
}

/// Counts a panic; the panic hook has logged it.
fn panicked(endpoint: &Endpoint) -> AppError {
    endpoint.app.metrics.panics.inc();
    AppError::internal("an operation panicked")
}
