//! GraphQL over HTTP: POST with JSON or files, GET with a query string.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use axum::body::BodyDataStream;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{Extension, Request, State};
use axum::http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response as HttpResponse;

use super::accept::{Accept, ResponseType};
use super::body::BodyBudget;
use super::client::ClientInfo;
use super::multipart::{self, RequestContent};
use super::query_string::QueryParameters;
use super::reply::Reply;
use super::upload_slots::Uploader;
use super::{body, credentials, execute, graphiql, query_string, sse, websocket};
use crate::auth::Requester;
use crate::error::{AppError, AppResult, ErrorCode};
use crate::http::endpoint::Endpoint;
use crate::metrics::GaugeGuard;

/// Media types of responses, in order of preference.
const RESPONSE_TYPES: [ResponseType; 3] =
    [ResponseType::Json, ResponseType::GraphqlResponse, ResponseType::EventStream];

/// Answers `POST /graphql`.
pub async fn post(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(client): Extension<ClientInfo>,
    request: Request,
) -> HttpResponse {
    let (parts, body) = request.into_parts();
    let mut body = body.into_data_stream();
    let accept = Accept::of(&parts.headers);
    let reply = Reply::to(&accept, &endpoint.app.metrics, &client.trace);
    let params = async {
        check_accept(&accept)?;
        query_string::check_no_credentials(&parts.uri)?;
        let requester = credentials::requester(&endpoint.app, &client, &parts.headers)?;
        let received = read(&endpoint, &requester, &parts.headers, &mut body).await?;
        received.params.check_named()?;
        Ok((requester, received))
    };
    match params.await {
        Ok((requester, received)) => {
            let allowed = AllowedOperations::All;
            let request = ParsedRequest { requester, received, accept, headers: &parts.headers, allowed };
            respond(&endpoint, &reply, request).await
        }
        Err(error) => {
            // Without `Content-Length` the rest is unbounded; with `Expect: 100-continue` nothing was sent yet.
            if parts.headers.contains_key(CONTENT_LENGTH) && !parts.headers.contains_key(EXPECT) {
                body::discard(&mut body).await;
            }
            reply.refuse(&error)
        }
    }
}

/// Reads the body by its content type.
async fn read(
    endpoint: &Endpoint,
    requester: &Requester,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> AppResult<RequestContent> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (essence, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
    let limits = &endpoint.app.config.transport;
    match essence.trim().to_ascii_lowercase().as_str() {
        "application/json" if is_utf8(parameters) => {
            let params = body::json(headers, body, limits.body, BodyBudget::of(&endpoint.bodies, requester)).await?;
            Ok(RequestContent { params, ..RequestContent::default() })
        }
        "multipart/form-data" => {
            multipart::check_preflight(headers)?;
            // Files are accepted from signed-in users only.
            let user = requester.require_viewer()?.user_id;
            let uploader = Uploader { user, ip: requester.ip, is_local: requester.is_local };
            multipart::read(headers, body, endpoint, uploader, BodyBudget::of(&endpoint.bodies, requester)).await
        }
        _ => Err(AppError::Request(
            ErrorCode::UnsupportedMediaType,
            "Send JSON in UTF-8 with Content-Type: application/json, or files as multipart/form-data.".into(),
        )),
    }
}

fn is_utf8(parameters: &str) -> bool {
    let charset = parameters
        .split(';')
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charset.is_none_or(|(_, value)| value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8"))
}

/// Answers `GET /graphql`: WebSocket upgrade, GraphiQL for browsers, or a query.
pub async fn get(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(client): Extension<ClientInfo>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> HttpResponse {
    if let Ok(upgrade) = upgrade {
        return websocket::accept(endpoint, client, request.uri(), request.headers(), upgrade);
    }
    let (head, _) = request.into_parts();
    let headers = &head.headers;
    let accept = Accept::of(headers);
    let production = endpoint.app.config.production;
    if !production
        && accept.best(&[ResponseType::Html, ResponseType::Json, ResponseType::GraphqlResponse])
            == Some(ResponseType::Html)
    {
        return graphiql::page(State(endpoint)).await;
    }
    let reply = Reply::to(&accept, &endpoint.app.metrics, &client.trace);
    match parse_get(&endpoint, &client, accept, &head.uri, headers) {
        Ok(request) => respond(&endpoint, &reply, request).await,
        Err(error) => reply.refuse(&error),
    }
}

/// Parses and authenticates a GET.
fn parse_get<'a>(
    endpoint: &Endpoint,
    client: &ClientInfo,
    accept: Accept,
    uri: &Uri,
    headers: &'a HeaderMap,
) -> AppResult<ParsedRequest<'a>> {
    check_accept(&accept)?;
    let QueryParameters { params, ticket } = query_string::parse(uri)?;
    let (requester, allowed) = match ticket {
        None => (credentials::requester(&endpoint.app, client, headers)?, AllowedOperations::Reads),
        Some(ticket) => {
            check_ticket(&accept, headers)?;
            (credentials::of_ticket(&endpoint.app, client, &ticket)?, AllowedOperations::Subscriptions)
        }
    };
    params.check_named()?;
    Ok(ParsedRequest {
        requester,
        received: RequestContent { params, ..RequestContent::default() },
        accept,
        headers,
        allowed,
    })
}

/// Answers any other method.
pub async fn method_not_allowed(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(client): Extension<ClientInfo>,
    headers: HeaderMap,
) -> HttpResponse {
    let reply = Reply::to(&Accept::of(&headers), &endpoint.app.metrics, &client.trace);
    let error = AppError::Request(ErrorCode::MethodNotAllowed, "Use POST, or GET for queries.".into());
    let mut response = reply.refuse(&error);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
    response
}

/// A parsed and authenticated request.
struct ParsedRequest<'a> {
    requester: Requester,
    received: RequestContent,
    accept: Accept,
    headers: &'a HeaderMap,
    allowed: AllowedOperations,
}

/// Which operations a request may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AllowedOperations {
    All,
    /// Without mutations: intermediaries may repeat a GET.
    Reads,
    /// With a stream ticket, as URLs end up in logs.
    Subscriptions,
}

impl AllowedOperations {
    /// Rejects other operations.
    fn check(self, operation: OperationType) -> AppResult<()> {
        let (code, message) = match (self, operation) {
            (Self::All, _)
            | (Self::Reads, OperationType::Query)
            | (Self::Reads | Self::Subscriptions, OperationType::Subscription) => return Ok(()),
            (_, OperationType::Mutation) => (ErrorCode::MethodNotAllowed, "GET runs no mutations; use POST."),
            (Self::Subscriptions, OperationType::Query) => (
                ErrorCode::Unauthenticated,
                "A stream ticket runs subscriptions alone; send Authorization: Bearer <access token> for queries.",
            ),
        };
        Err(AppError::Request(code, message.into()))
    }
}

async fn respond(endpoint: &Arc<Endpoint>, reply: &Reply<'_>, request: ParsedRequest<'_>) -> HttpResponse {
    let ParsedRequest { requester, received, accept, headers, allowed } = request;
    let RequestContent { params, files, slot } = received;
    // After reading the body, so that slow senders take no permit.
    let Ok(_permit) = endpoint.requests.try_acquire() else {
        return reply.refuse(&AppError::overloaded());
    };
    let _gauge = GaugeGuard::new(&endpoint.app.metrics.in_flight);
    let is_stream = accept.best(&RESPONSE_TYPES) == Some(ResponseType::EventStream);
    let transport = if is_stream { "sse" } else { "http" };
    let prepared = match execute::prepare(endpoint, params, files, &requester, transport) {
        Ok(prepared) => prepared.with_slot(slot),
        Err(response) if is_stream => return sse::error_stream(&response),
        Err(response) => return reply.send(&response),
    };
    if let Err(error) = allowed.check(prepared.operation) {
        return reply.refuse(&error);
    }
    if prepared.operation == OperationType::Subscription
        && let Some(error) = requester.token_error
    {
        return reply.refuse(&error.into());
    }
    // With both types accepted, subscriptions get the stream.
    let is_stream = is_stream || prepared.operation == OperationType::Subscription;
    if is_stream && accept.best(&[ResponseType::EventStream]).is_some() {
        return sse::answer(endpoint, prepared, requester, headers).unwrap_or_else(|error| reply.refuse(&error));
    }
    if prepared.operation == OperationType::Subscription {
        return reply.refuse(&AppError::Request(
            ErrorCode::NotAcceptable,
            "A subscription needs a socket, or Accept: text/event-stream.".into(),
        ));
    }
    let response = execute::run(endpoint, prepared, &requester).await;
    reply.send(&response)
}

/// A ticket is for event streams only, and excludes an `Authorization` header.
fn check_ticket(accept: &Accept, headers: &HeaderMap) -> AppResult<()> {
    if accept.best(&RESPONSE_TYPES) != Some(ResponseType::EventStream) {
        let message = "A stream ticket needs Accept: text/event-stream.";
        return Err(AppError::Request(ErrorCode::Unauthenticated, message.into()));
    }
    if credentials::of_headers(headers)?.is_some() {
        return Err(AppError::bad_input("Send a stream ticket or an Authorization header, not both."));
    }
    Ok(())
}

fn check_accept(accept: &Accept) -> AppResult<()> {
    if accept.best(&RESPONSE_TYPES).is_some() {
        return Ok(());
    }
    let message = "Answers come as application/graphql-response+json, application/json or text/event-stream.";
    Err(AppError::Request(ErrorCode::NotAcceptable, message.into()))
}
