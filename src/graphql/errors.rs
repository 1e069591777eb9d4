//! The one mapping of errors to GraphQL.
//!
//! A resolver's [`AppError`] is the source of an async-graphql error. [`finish`] sets message, code and, for internal errors,
//! the trace id; their cause is logged.

use std::sync::Arc;

use async_graphql::{Error, ErrorExtensionValues, Response, ServerError, Value, value};

use super::json;
use crate::auth::Requester;
use crate::error::{AppError, ErrorCode};
use crate::metrics::Metrics;
use crate::telemetry::TraceId;

/// Errors in one response.
pub const ERRORS_LIMIT: usize = 10;

/// Bytes of a response that are reserved at first.
const RESPONSE_BYTES: usize = 1024;

/// Bytes of a message, which may quote names and lines of the document.
const MESSAGE_BYTES_LIMIT: usize = 1000;

impl From<AppError> for Error {
    fn from(error: AppError) -> Self {
        let mut masked = Self::new("Internal error.");
        masked.source = Some(Arc::new(error));
        masked
    }
}

/// Where an error without an [`AppError`] source was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The document did not parse.
    Parse,
    /// The document does not fit the schema, or the variables don't fit the document.
    Validation,
    /// A resolver's argument could not be read.
    Execution,
}

/// Counts the errors of a response by code.
pub fn count(metrics: &Metrics, response: &Response) {
    for error in &response.errors {
        metrics.count_error(code(error));
    }
}

/// Completes the errors of a response; logs internal ones.
pub fn finish(response: &mut Response, trace: &TraceId) {
    // Request errors have no path, and no data was computed.
    let stage = if response.data == Value::Null { Stage::Validation } else { Stage::Execution };
    response.errors.truncate(ERRORS_LIMIT);
    for error in &mut response.errors {
        complete(error, if error.path.is_empty() { stage } else { Stage::Execution }, trace);
    }
}

/// Whether nothing was executed (a request error in the specification's terms). A failure to open a subscription's stream
/// has the root field's path, of length 1; execution errors have longer ones.
#[must_use]
pub fn is_request_error(response: &Response, longest_path: usize) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.len() <= longest_path)
}

/// A response as JSON; request errors omit `data`.
#[must_use]
pub fn to_json(response: &Response, refused: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(RESPONSE_BYTES);
    out.push(b'{');
    if !refused {
        json::write_key(&mut out, "data");
        json::write_value(&mut out, &response.data);
    }
    if !response.extensions.is_empty() {
        json::write_member(&mut out, "extensions", &response.extensions);
    }
    if refused || !response.errors.is_empty() {
        json::write_member(&mut out, "errors", &response.errors);
    }
    out.push(b'}');
    out
}

/// Reports a rejected token in `extensions.authentication`.
pub fn add_authentication(response: &mut Response, requester: &Requester) {
    if let Some(error) = requester.token_error {
        let details = value!({ "code": error.code(), "message": error.to_string() });
        response.extensions.insert("authentication".into(), details);
    }
}

/// Whether the response has no data because the token was rejected.
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
    truncate_message(&mut error.message);
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

fn truncate_message(message: &mut String) {
    if message.len() > MESSAGE_BYTES_LIMIT {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_LIMIT));
        message.push('…');
    }
}

/// A response that is one request error.
#[must_use]
pub fn error_response(error: &AppError, trace: &TraceId) -> Response {
    let mut refused = Error::from(error.clone()).into_server_error(async_graphql::Pos::default());
    refused.locations.clear();
    complete(&mut refused, Stage::Validation, trace);
    Response::from_errors(vec![refused])
}
