//! Responses: media type, status, headers.

use async_graphql::Response;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response as HttpResponse};

use super::accept::{Accept, ResponseType};
use super::execute::record_rejection;
use crate::error::{AppError, ErrorCode};
use crate::graphql::errors;
use crate::metrics::Metrics;
use crate::telemetry::TraceId;

/// `Retry-After` of overload errors.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Builds the response to a request.
pub struct Reply<'a> {
    media: ResponseType,
    metrics: &'a Metrics,
    trace: &'a TraceId,
}

impl<'a> Reply<'a> {
    /// With the preferred media type of the client.
    pub fn to(accept: &Accept, metrics: &'a Metrics, trace: &'a TraceId) -> Self {
        Self { media: accept.for_answer(), metrics, trace }
    }

    /// As JSON, if the `Accept` header is no longer available.
    pub fn plain(metrics: &'a Metrics, trace: &'a TraceId) -> Self {
        Self { media: ResponseType::Json, metrics, trace }
    }

    /// Sends a GraphQL response. Request errors are 200 as `application/json` and 400 as
    /// `application/graphql-response+json`; 401 if an invalid token left no data.
    pub fn send(&self, response: &Response) -> HttpResponse {
        if errors::is_unauthenticated(response) {
            let mut http = self.body(response, true);
            *http.status_mut() = StatusCode::UNAUTHORIZED;
            http.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
            return http;
        }
        let refused = errors::is_request_error(response, 0);
        let status = match self.media {
            ResponseType::GraphqlResponse if refused => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        };
        let mut http = self.body(response, refused);
        *http.status_mut() = status;
        http
    }

    /// Sends an HTTP-level error, with its status in either media type.
    pub fn refuse(&self, error: &AppError) -> HttpResponse {
        let response = errors::error_response(error, self.trace);
        record_rejection(self.metrics, &response, self.trace, "http");
        let mut http = self.body(&response, true);
        let code = match error {
            AppError::Request(code, _) => *code,
            _ => ErrorCode::Internal,
        };
        *http.status_mut() = status(code);
        let extra: Option<(HeaderName, HeaderValue)> = match code {
            ErrorCode::MethodNotAllowed => Some((ALLOW, HeaderValue::from_static("POST"))),
            ErrorCode::Unauthenticated => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            ErrorCode::Overloaded => Some((RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS))),
            _ => None,
        };
        http.headers_mut().extend(extra);
        http
    }

    /// Sends a rate limit error with `Retry-After`.
    pub fn refuse_for(&self, seconds: u64) -> HttpResponse {
        let error = AppError::rate_limited(seconds);
        let mut http = self.refuse(&error);
        http.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        http
    }

    fn body(&self, response: &Response, refused: bool) -> HttpResponse {
        let media_type = match self.media {
            ResponseType::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            _ => "application/json; charset=utf-8",
        };
        ([(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-store")], errors::to_json(response, refused)).into_response()
    }
}

fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden | ErrorCode::CsrfRefused => StatusCode::FORBIDDEN,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        ErrorCode::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        ErrorCode::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}
