//! GraphQL over HTTP: POST with JSON or files, GET with a query string.

use async_graphql::parser::types::OperationType;
use async_graphql::{ParseRequestError, Request as Parsed};
use async_graphql_axum::GraphQLRequest;
use axum::RequestExt;
use axum::body::BodyDataStream;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{Extension, Request, State};
use axum::http::header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response as HttpResponse};

use super::accept::{Accept, Media};
use super::gate::Caller;
use super::multipart::{self, File};
use super::reply::Reply;
use super::{Endpoint, body, execute, graphiql, sse, websocket};
use crate::app::App;
use crate::auth::Requester;
use crate::error::{AppError, AppResult, ErrorCode};
use crate::graphql::document::{Asked, Extensions, Object};
use crate::metrics::Counted;

/// What can be answered.
const ANSWERS: [Media; 3] = [Media::Json, Media::GraphqlResponse, Media::EventStream];

/// Answers `POST /graphql`.
pub async fn post(
    State(endpoint): State<Endpoint>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> HttpResponse {
    let (parts, body) = request.into_parts();
    let mut body = body.into_data_stream();
    let accept = Accept::of(&parts.headers);
    let reply = Reply::to(&accept, &endpoint.app.metrics, &caller.trace);
    let asked = async {
        check_accept(&accept)?;
        let requester = requester(&endpoint.app, &caller, &parts.headers)?;
        let (asked, files) = read(&endpoint, &requester, &parts.headers, &mut body).await?;
        asked.check_named()?;
        Ok((requester, asked, files))
    };
    match asked.await {
        Ok((requester, asked, files)) => {
            let request = Incoming { requester, asked, files, accept, headers: &parts.headers, only_reads: false };
            answer(&endpoint, &reply, request).await
        }
        Err(error) => {
            // Nobody knows how much is to come of a body that does not say, and nobody waits for it. Whoever asked before
            // sending hears the refusal first.
            if parts.headers.contains_key(CONTENT_LENGTH) && !parts.headers.contains_key(EXPECT) {
                body::discard(&mut body).await;
            }
            reply.refuse(&error)
        }
    }
}

/// Reads the body, whatever kind it is of.
async fn read(
    endpoint: &Endpoint,
    requester: &Requester,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> AppResult<(Asked, Vec<File>)> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (essence, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
    let limits = &endpoint.app.config.transport;
    match essence.trim().to_ascii_lowercase().as_str() {
        "application/json" if is_utf8(parameters) => Ok((body::json(headers, body, limits.body).await?, Vec::new())),
        "multipart/form-data" => {
            multipart::check_preflight(headers)?;
            // Nobody unknown makes the server hold files.
            let _place = endpoint.uploads.take(requester.require_viewer()?.user_id).await?;
            multipart::read(headers, body, limits, endpoint.app.workshop.spool()).await
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

/// Answers `GET /graphql`: a socket, GraphiQL for a browser, or a query.
pub async fn get(
    State(endpoint): State<Endpoint>,
    Extension(caller): Extension<Caller>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> HttpResponse {
    if let Ok(upgrade) = upgrade {
        return websocket::accept(endpoint, caller, request.headers(), upgrade);
    }
    let headers = request.headers().clone();
    let accept = Accept::of(&headers);
    let production = endpoint.app.config.production;
    if !production && accept.best(&[Media::Html, Media::Json, Media::GraphqlResponse]) == Some(Media::Html) {
        return graphiql::page(State(endpoint)).await;
    }
    let reply = Reply::to(&accept, &endpoint.app.metrics, &caller.trace);
    let asked = async {
        check_accept(&accept)?;
        let requester = requester(&endpoint.app, &caller, &headers)?;
        let asked = query_string(request).await?;
        asked.check_named()?;
        Ok((requester, asked))
    };
    match asked.await {
        Ok((requester, asked)) => {
            let request = Incoming { requester, asked, files: Vec::new(), accept, headers: &headers, only_reads: true };
            answer(&endpoint, &reply, request).await
        }
        Err(error) => reply.refuse(&error),
    }
}

/// Answers any other method.
pub async fn other(
    State(endpoint): State<Endpoint>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> HttpResponse {
    let reply = Reply::to(&Accept::of(&headers), &endpoint.app.metrics, &caller.trace);
    let error = AppError::Request(ErrorCode::MethodNotAllowed, "Use POST, or GET for queries.".into());
    let mut response = reply.refuse(&error);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
    response
}

/// Reads a query string. The library's extractor does the parsing; of its parameters it leaves out three things.
async fn query_string(mut request: Request) -> AppResult<Asked> {
    let bad =
        || AppError::bad_input("The query string needs `query`; `variables` and `extensions` have to be JSON objects.");
    let parameter = |uri: &Uri, name: &str| {
        let pairs: Vec<(String, String)> = axum::extract::Query::try_from_uri(uri).ok()?.0;
        pairs.into_iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value)
    };
    // Empty parameters are as good as none; the extractor knows `operation_name`, and no `documentId`.
    let (operation_name, document_id) =
        (parameter(request.uri(), "operationName"), parameter(request.uri(), "documentId"));
    *request.uri_mut() = without_empty(request.uri()).ok_or_else(bad)?;
    let parsed = request.extract::<GraphQLRequest<BadQuery>, _>().await.map_err(|BadQuery| bad())?;
    let Parsed { query, variables, extensions, .. } = parsed.into_inner();
    let extensions: Object<Extensions> =
        serde_json::to_value(&extensions).and_then(serde_json::from_value).map_err(|_| bad())?;
    Ok(Asked {
        query: Some(query),
        document_id,
        operation_name,
        variables: Some(variables),
        extensions: Some(extensions),
    })
}

fn is_empty(pair: &str) -> bool {
    pair.split_once('=').is_none_or(|(_, value)| value.is_empty())
}

/// The address without parameters that are empty, which the extractor would read as JSON.
fn without_empty(uri: &Uri) -> Option<Uri> {
    let kept: Vec<&str> = uri.query().unwrap_or_default().split('&').filter(|pair| !is_empty(pair)).collect();
    format!("{}?{}", uri.path(), kept.join("&")).parse().ok()
}

/// A query string that is no request, in place of the library's own answer in plain text.
struct BadQuery;

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

/// A request that was read.
struct Incoming<'a> {
    requester: Requester,
    asked: Asked,
    files: Vec<File>,
    accept: Accept,
    headers: &'a HeaderMap,
    /// It may be repeated by whoever stands between: no mutations.
    only_reads: bool,
}

async fn answer(endpoint: &Endpoint, reply: &Reply<'_>, request: Incoming<'_>) -> HttpResponse {
    let Incoming { requester, asked, files, accept, headers, only_reads } = request;
    // Not before the request was read: whoever sends slowly takes nobody's place.
    let Ok(_permit) = endpoint.requests.try_acquire() else {
        return reply.refuse(&AppError::overloaded());
    };
    let _counted = Counted::new(&endpoint.app.metrics.in_flight);
    let streams = accept.best(&ANSWERS) == Some(Media::EventStream);
    let transport = if streams { "sse" } else { "http" };
    let prepared = match execute::prepare(endpoint, (asked, files), &requester, transport) {
        Ok(prepared) => prepared,
        Err(response) if streams => return sse::refused(&response),
        Err(response) => return reply.send(&response),
    };
    let refuse = |message: &str| reply.refuse(&AppError::Request(ErrorCode::MethodNotAllowed, message.into()));
    if only_reads && prepared.operation == OperationType::Mutation {
        return refuse("GET runs no mutations; use POST.");
    }
    // A client that takes both wants the stream for what needs one.
    let streams = streams || prepared.operation == OperationType::Subscription;
    if streams && accept.best(&[Media::EventStream]).is_some() {
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

fn check_accept(accept: &Accept) -> AppResult<()> {
    if accept.best(&ANSWERS).is_some() {
        return Ok(());
    }
    let message = "Answers come as application/graphql-response+json, application/json or text/event-stream.";
    Err(AppError::Request(ErrorCode::NotAcceptable, message.into()))
}

/// Who asks, by the request's headers.
fn requester(app: &App, caller: &Caller, headers: &HeaderMap) -> AppResult<Requester> {
    let viewer = match headers.get(AUTHORIZATION) {
        None => None,
        Some(value) => Some(app.authenticate(bearer(value.to_str().unwrap_or_default())?)?),
    };
    Ok(Requester { viewer, ip: caller.ip, is_local: caller.is_local, trace: caller.trace.clone() })
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
