//! GraphQL over HTTP: POST with JSON, GET with a query string.

use std::net::SocketAddr;

use async_graphql::parser::types::OperationType;
use async_graphql::{ParseRequestError, Request, Response};
use async_graphql_axum::GraphQLRequest;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, FromRequestParts, RawQuery, State};
use axum::http::header::{ACCEPT, ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response as HttpResponse};

use super::{Endpoint, execute, graphiql, websocket};
use crate::app::App;
use crate::auth::Requester;
use crate::error::{AppError, AppResult, ErrorCode};
use crate::graphql::errors;
use crate::telemetry::TraceId;

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// Answers `POST /graphql`.
pub async fn post(
    State(endpoint): State<Endpoint>,
    client: Client,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> HttpResponse {
    let read = || {
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            return Err(AppError::Request(
                ErrorCode::UnsupportedMediaType,
                "Send the request as JSON, with Content-Type: application/json.".into(),
            ));
        }
        let body =
            body.map_err(|_| AppError::Request(ErrorCode::PayloadTooLarge, "The body is over 64 KiB.".into()))?;
        serde_json::from_slice::<Request>(&body)
            .map_err(|error| AppError::bad_input(format!("The body is no GraphQL request: {error}.")))
    };
    answer(&endpoint, &client, &headers, read(), false).await
}

/// Answers `GET /graphql`: a socket, GraphiQL for a browser, or a query.
pub async fn get(
    State(endpoint): State<Endpoint>,
    client: Client,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    RawQuery(query): RawQuery,
    request: Result<GraphQLRequest<BadQuery>, BadQuery>,
) -> HttpResponse {
    if let Ok(upgrade) = upgrade {
        return websocket::accept(endpoint, client, upgrade);
    }
    let query = query.unwrap_or_default();
    let wants_page = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|a| a.contains("text/html"));
    if wants_page && !query.contains("query=") {
        return graphiql::page(State(endpoint)).await;
    }
    let request = request
        .map(GraphQLRequest::into_inner)
        .map_err(|BadQuery| AppError::bad_input("The query string needs `query`; `variables` has to be JSON."));
    answer(&endpoint, &client, &headers, request, true).await
}

/// A query string that is no request, in place of the library's own answer in plain text.
pub struct BadQuery;

impl From<ParseRequestError> for BadQuery {
    fn from(_: ParseRequestError) -> Self {
        Self
    }
}

impl IntoResponse for BadQuery {
    fn into_response(self) -> HttpResponse {
        StatusCode::BAD_REQUEST.into_response()
    }
}

async fn answer(
    endpoint: &Endpoint,
    client: &Client,
    headers: &HeaderMap,
    request: AppResult<Request>,
    only_queries: bool,
) -> HttpResponse {
    let reply = Reply::to(headers);
    let trace = TraceId::generate();
    let requester = match requester(&endpoint.app, client, headers, trace.clone()) {
        Ok(requester) => requester,
        Err(error) => return reply.refusal(&error, &trace),
    };
    let request = match request {
        Ok(request) => request,
        Err(error) => return reply.refusal(&error, &trace),
    };
    let prepared = match execute::prepare(request, &requester) {
        Ok(prepared) => prepared,
        Err(response) => return reply.send(&response, StatusCode::BAD_REQUEST),
    };
    if only_queries && prepared.operation != OperationType::Query {
        let error = AppError::Request(ErrorCode::MethodNotAllowed, "GET runs queries alone; use POST.".into());
        return ([(ALLOW, "POST")], reply.refusal(&error, &trace)).into_response();
    }
    let response = execute::run(endpoint, prepared, &trace).await;
    reply.send(&response, StatusCode::BAD_REQUEST)
}

/// Who asks, by the request's headers.
fn requester(app: &App, client: &Client, headers: &HeaderMap, trace: TraceId) -> AppResult<Requester> {
    let viewer = match headers.get(AUTHORIZATION) {
        None => None,
        Some(value) => Some(app.authenticate(bearer(value.to_str().unwrap_or_default())?)?),
    };
    Ok(Requester { viewer, ip: client.0.map(|address| address.ip()), trace })
}

/// The token of an `Authorization` value.
///
/// # Errors
/// Unauthenticated when it is not of the bearer kind.
pub fn bearer(value: &str) -> AppResult<&str> {
    let refused = || AppError::Request(ErrorCode::Unauthenticated, "Send Authorization: Bearer <access token>.".into());
    let (scheme, token) = value.split_once(' ').ok_or_else(refused)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(refused()) }
}

/// The client's address, where the server knows it.
#[derive(Clone, Copy, Debug)]
pub struct Client(pub Option<SocketAddr>);

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)))
    }
}

/// How the client wants its answer.
struct Reply {
    media_type: &'static str,
}

impl Reply {
    fn to(headers: &HeaderMap) -> Self {
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = if accept.contains(GRAPHQL_RESPONSE) { GRAPHQL_RESPONSE } else { "application/json" };
        Self { media_type }
    }

    /// `application/json` says 200 to every well-formed request; `application/graphql-response+json` says what was
    /// wrong with it.
    fn send(&self, response: &Response, refused: StatusCode) -> HttpResponse {
        let executed = !errors::is_request_error(response, 0);
        let status = if executed || self.media_type != GRAPHQL_RESPONSE { StatusCode::OK } else { refused };
        // A request error has no data, not null data.
        let body = if executed {
            serde_json::to_vec(response)
        } else {
            serde_json::to_vec(&serde_json::json!({ "errors": response.errors }))
        };
        let content_type: (HeaderName, String) = (CONTENT_TYPE, format!("{}; charset=utf-8", self.media_type));
        (status, [content_type], body.unwrap_or_default()).into_response()
    }

    fn refusal(&self, error: &AppError, trace: &TraceId) -> HttpResponse {
        let status = match error {
            AppError::Request(ErrorCode::Unauthenticated, _) => StatusCode::UNAUTHORIZED,
            AppError::Request(ErrorCode::MethodNotAllowed, _) => StatusCode::METHOD_NOT_ALLOWED,
            AppError::Request(ErrorCode::UnsupportedMediaType, _) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            AppError::Request(ErrorCode::PayloadTooLarge, _) => StatusCode::PAYLOAD_TOO_LARGE,
            AppError::Request(ErrorCode::Overloaded, _) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let response = errors::refusal(error, trace);
        let mut http = self.send(&response, status);
        // What concerns HTTP itself, and not the GraphQL request in it, is said by the status in either media type.
        *http.status_mut() = status;
        http
    }
}
