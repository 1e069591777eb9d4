//! The one mapping of errors to GraphQL.
//!
//! A resolver's [`AppError`] travels through async-graphql as an error's source. [`finish`] gives every error of a
//! response its message, its code and, where it is our fault, the trace id; the cause goes into the log.

use std::sync::Arc;

use async_graphql::{Error, ErrorExtensionValues, Response, ServerError, Value, value};

use crate::auth::Requester;
use crate::error::{AppError, ErrorCode};
use crate::metrics::Metrics;
use crate::telemetry::TraceId;

/// Errors that one response reports.
pub const MOST: usize = 10;

/// Bytes of a message; the engine repeats names and lines of the document in it, however long they are.
const LONGEST: usize = 1000;

impl From<AppError> for Error {
    fn from(error: AppError) -> Self {
        let mut masked = Self::new("Internal error.");
        masked.source = Some(Arc::new(error));
        masked
    }
}

/// What an error without a source of ours is: the engine made it, before or during execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The document did not parse.
    Parse,
    /// The document does not fit the schema, or the variables don't fit the document.
    Validation,
    /// A resolver's argument could not be read.
    Execution,
}

/// Counts the errors of a response by their codes.
pub fn count(metrics: &Metrics, response: &Response) {
    for error in &response.errors {
        metrics.count_error(code(error));
    }
}

/// Completes the errors of a response, and logs those that are our fault.
pub fn finish(response: &mut Response, trace: &TraceId) {
    // Request errors have no path, and no data was computed.
    let stage = if response.data == Value::Null { Stage::Validation } else { Stage::Execution };
    response.errors.truncate(MOST);
    for error in &mut response.errors {
        complete(error, if error.path.is_empty() { stage } else { Stage::Execution }, trace);
    }
}

/// Whether nothing was executed, so that there is no data: the request was refused. The opening of a subscription's
/// stream fails with an error at the root field's path, of length 1; an error of something executed has a longer one.
#[must_use]
pub fn is_request_error(response: &Response, longest_path: usize) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.len() <= longest_path)
}

/// A response as JSON. One that was refused has no data, not null data.
#[must_use]
pub fn to_json(response: &Response, refused: bool) -> Vec<u8> {
    let json = if refused && response.extensions.is_empty() {
        serde_json::to_vec(&serde_json::json!({ "errors": response.errors }))
    } else if refused {
        serde_json::to_vec(&serde_json::json!({ "errors": response.errors, "extensions": response.extensions }))
    } else {
        serde_json::to_vec(response)
    };
    json.unwrap_or_default()
}

/// Says in a response's `extensions.authentication` that the token sent along is refused, and why.
pub fn tell_authentication(response: &mut Response, requester: &Requester) {
    if let Some(error) = requester.token_error {
        let told = value!({ "code": error.code(), "message": error.to_string() });
        response.extensions.insert("authentication".into(), told);
    }
}

/// Whether nothing of it was answered because the token sent along is refused.
#[must_use]
pub fn is_unauthenticated(response: &Response) -> bool {
    let is_empty = match &response.data {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(|value| *value == Value::Null),
        _ => false,
    };
    let refused = |error: &ServerError| code(error) == ErrorCode::Unauthenticated.as_str();
    is_empty
        && response.extensions.contains_key("authentication")
        && !response.errors.is_empty()
        && response.errors.iter().all(refused)
}

/// Completes one error.
pub fn complete(error: &mut ServerError, stage: Stage, trace: &TraceId) {
    let ours = error.source.take().and_then(|source| source.downcast::<AppError>().ok());
    let code = match ours.as_deref() {
        Some(AppError::Request(code, message)) => {
            error.message.clone_from(message);
            *code
        }
        Some(internal) => {
            tracing::error!(trace = trace.as_str(), cause = %internal.describe(), path = ?error.path, "internal error");
            "Internal error.".clone_into(&mut error.message);
            ErrorCode::Internal
        }
        None => match stage {
            Stage::Parse => ErrorCode::GraphqlParseFailed,
            Stage::Validation => ErrorCode::GraphqlValidationFailed,
            Stage::Execution => ErrorCode::BadUserInput,
        },
    };
    shorten(&mut error.message);
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", code.as_str());
    if code == ErrorCode::Internal {
        extensions.set("traceId", trace.as_str());
    }
}

/// The code of a completed error.
#[must_use]
pub fn code(error: &ServerError) -> &str {
    match error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        Some(Value::String(code)) => code,
        _ => "",
    }
}

fn shorten(message: &mut String) {
    if message.len() > LONGEST {
        message.truncate(message.floor_char_boundary(LONGEST));
        message.push('…');
    }
}

/// A response that is one request error.
#[must_use]
pub fn refusal(error: &AppError, trace: &TraceId) -> Response {
    let mut refused = Error::from(error.clone()).into_server_error(async_graphql::Pos::default());
    refused.locations.clear();
    complete(&mut refused, Stage::Validation, trace);
    Response::from_errors(vec![refused])
}
