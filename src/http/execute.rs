//! From a request to its response, the same for every transport.
//!
//! The document is parsed once, here. A mutation runs in a task of its own: a client that hangs up does not cancel it,
//! their number is bounded, each has a deadline, and the end of the process waits for them.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::{DocumentOperations, OperationType};
use async_graphql::{Request, Response, ServerError};
use tracing::Instrument;

use super::Endpoint;
use crate::auth::Requester;
use crate::error::{AppError, AppResult, ErrorCode};
use crate::graphql::errors::{self, Stage};
use crate::telemetry::TraceId;

/// A mutation that takes longer is given up.
const DEADLINE: Duration = Duration::from_secs(30);

/// A request whose document was parsed.
pub struct Prepared {
    /// The request, document and all.
    pub request: Request,
    /// What the chosen operation is.
    pub operation: OperationType,
}

/// Parses the document and finds the operation.
///
/// # Errors
/// The response that refuses the request.
pub fn prepare(mut request: Request, requester: &Requester) -> Result<Prepared, Box<Response>> {
    if request.query.is_empty() {
        let error = AppError::bad_input("The request has no `query`.");
        return Err(Box::new(errors::refusal(&error, &requester.trace)));
    }
    let document = async_graphql::parser::parse_query(&request.query).map_err(|error| {
        let mut error = ServerError::from(error);
        errors::complete(&mut error, Stage::Parse, &requester.trace);
        Box::new(Response::from_errors(vec![error]))
    })?;
    let name = request.operation_name.as_deref();
    let operation = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
        (DocumentOperations::Single(_), Some(_)) | (DocumentOperations::Multiple(_), None) => None,
    };
    let Some(operation) = operation.map(|operation| operation.node.ty) else {
        let message = match name {
            Some(name) => format!("The document has no operation named {name:?}."),
            None => "The document has several operations: operationName has to say which.".to_owned(),
        };
        let error = AppError::Request(ErrorCode::OperationResolutionFailure, message);
        return Err(Box::new(errors::refusal(&error, &requester.trace)));
    };
    request.set_parsed_query(document);
    let request = request.data(requester.clone());
    Ok(Prepared { request, operation })
}

/// Runs a query or a mutation.
pub async fn run(endpoint: &Endpoint, prepared: Prepared, trace: &TraceId) -> Response {
    let result = match prepared.operation {
        OperationType::Mutation => run_mutation(endpoint, prepared.request, trace).await,
        _ => Ok(endpoint.schema.execute(prepared.request).await),
    };
    let mut response = match result {
        Ok(response) => response,
        Err(error) => return errors::refusal(&error, trace),
    };
    errors::finish(&mut response, trace);
    response
}

async fn run_mutation(endpoint: &Endpoint, request: Request, trace: &TraceId) -> AppResult<Response> {
    let app = &endpoint.app;
    let permit = Arc::clone(&app.mutations).try_acquire_owned().map_err(|_| AppError::overloaded())?;
    let schema = endpoint.schema.clone();
    let span = tracing::info_span!("mutation", trace = trace.as_str());
    let task = async move {
        let _permit = permit;
        tokio::time::timeout(DEADLINE, schema.execute(request)).await
    };
    match app.tracker.spawn(task.instrument(span)).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_)) => Err(AppError::Request(ErrorCode::Overloaded, "The mutation took too long.".into())),
        Err(panic) => Err(AppError::internal(panic)),
    }
}
