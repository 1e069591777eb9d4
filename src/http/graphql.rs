//! GraphQL over HTTP: POST with JSON or files, GET with a query string.

use async_graphql::parser::types::OperationType;
use axum::body::BodyDataStream;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{Extension, Request, State};
use axum::http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response as HttpResponse;

use super::accept::{Accept, Media};
use super::body::Room;
use super::gate::Caller;
use super::multipart::{self, Received};
use super::places::Uploader;
use super::query_string::Queried;
use super::reply::Reply;
use super::{body, credentials, execute, graphiql, query_string, sse, websocket};
use crate::auth::Requester;
use crate::error::{AppError, AppResult, ErrorCode};
use crate::http::endpoint::Endpoint;
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
        query_string::check_no_credentials(&parts.uri)?;
        let requester = credentials::requester(&endpoint.app, &caller, &parts.headers)?;
        let received = read(&endpoint, &requester, &parts.headers, &mut body).await?;
        received.asked.check_named()?;
        Ok((requester, received))
    };
    match asked.await {
        Ok((requester, received)) => {
            let may_run = MayRun::Everything;
            let request = Incoming { requester, received, accept, headers: &parts.headers, may_run };
            answer(&endpoint, &reply, request).await
        }
        Err(error) => {
            // Of a body that does not say its length it is not known how much is to come, so it is not waited for. A client
            // that asked before sending hears the refusal first.
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
) -> AppResult<Received> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (essence, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
    let limits = &endpoint.app.config.transport;
    match essence.trim().to_ascii_lowercase().as_str() {
        "application/json" if is_utf8(parameters) => {
            let asked = body::json(headers, body, limits.body, Room::of(&endpoint.bodies, requester)).await?;
            Ok(Received { asked, ..Received::default() })
        }
        "multipart/form-data" => {
            multipart::check_preflight(headers)?;
            // Nobody unknown makes the server hold files.
            let person = requester.require_viewer()?.user_id;
            let uploader = Uploader { person, ip: requester.ip, is_local: requester.is_local };
            multipart::read(headers, body, endpoint, (uploader, Room::of(&endpoint.bodies, requester))).await
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
        return websocket::accept(endpoint, caller, (request.uri(), request.headers()), upgrade);
    }
    let (head, _) = request.into_parts();
    let headers = &head.headers;
    let accept = Accept::of(headers);
    let production = endpoint.app.config.production;
    if !production && accept.best(&[Media::Html, Media::Json, Media::GraphqlResponse]) == Some(Media::Html) {
        return graphiql::page(State(endpoint)).await;
    }
    let reply = Reply::to(&accept, &endpoint.app.metrics, &caller.trace);
    match queried(&endpoint, &caller, accept, (&head.uri, headers)) {
        Ok(request) => answer(&endpoint, &reply, request).await,
        Err(error) => reply.refuse(&error),
    }
}

/// What a GET asks for, and who asks.
fn queried<'a>(
    endpoint: &Endpoint,
    caller: &Caller,
    accept: Accept,
    (uri, headers): (&Uri, &'a HeaderMap),
) -> AppResult<Incoming<'a>> {
    check_accept(&accept)?;
    let Queried { asked, ticket } = query_string::parse(uri)?;
    let (requester, may_run) = match ticket {
        None => (credentials::requester(&endpoint.app, caller, headers)?, MayRun::Reads),
        Some(ticket) => {
            check_ticket(&accept, headers)?;
            (credentials::of_ticket(&endpoint.app, caller, &ticket)?, MayRun::Subscriptions)
        }
    };
    asked.check_named()?;
    Ok(Incoming { requester, received: Received { asked, ..Received::default() }, accept, headers, may_run })
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

/// A request that was read.
struct Incoming<'a> {
    requester: Requester,
    received: Received,
    accept: Accept,
    headers: &'a HeaderMap,
    may_run: MayRun,
}

/// Which operations a request may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MayRun {
    Everything,
    /// No mutations: what stands between client and server may repeat a GET.
    Reads,
    /// With a stream ticket: it stands in an address, and addresses are written to logs.
    Subscriptions,
}

impl MayRun {
    /// Refuses any other operation.
    fn check(self, operation: OperationType) -> AppResult<()> {
        let (code, message) = match (self, operation) {
            (Self::Everything, _)
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

async fn answer(endpoint: &Endpoint, reply: &Reply<'_>, request: Incoming<'_>) -> HttpResponse {
    let Incoming { requester, received, accept, headers, may_run } = request;
    let Received { asked, files, place } = received;
    // Not before the request was read: whoever sends slowly takes nobody's place.
    let Ok(_permit) = endpoint.requests.try_acquire() else {
        return reply.refuse(&AppError::overloaded());
    };
    let _counted = Counted::new(&endpoint.app.metrics.in_flight);
    let streams = accept.best(&ANSWERS) == Some(Media::EventStream);
    let transport = if streams { "sse" } else { "http" };
    let prepared = match execute::prepare(endpoint, (asked, files), &requester, transport) {
        Ok(prepared) => prepared.with_place(place),
        Err(response) if streams => return sse::refused(&response),
        Err(response) => return reply.send(&response),
    };
    if let Err(error) = may_run.check(prepared.operation) {
        return reply.refuse(&error);
    }
    if prepared.operation == OperationType::Subscription
        && let Some(error) = requester.token_error
    {
        return reply.refuse(&error.into());
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

/// A ticket opens event streams, and stands for no token that was sent beside it.
fn check_ticket(accept: &Accept, headers: &HeaderMap) -> AppResult<()> {
    if accept.best(&ANSWERS) != Some(Media::EventStream) {
        let message = "A stream ticket needs Accept: text/event-stream.";
        return Err(AppError::Request(ErrorCode::Unauthenticated, message.into()));
    }
    if credentials::of_headers(headers)?.is_some() {
        return Err(AppError::bad_input("Send a stream ticket or an Authorization header, not both."));
    }
    Ok(())
}

fn check_accept(accept: &Accept) -> AppResult<()> {
    if accept.best(&ANSWERS).is_some() {
        return Ok(());
    }
    let message = "Answers come as application/graphql-response+json, application/json or text/event-stream.";
    Err(AppError::Request(ErrorCode::NotAcceptable, message.into()))
}
