//! Files over HTTP: `/media/<name>` gives one out, `/media/uploads/<key>` takes one in where the storage is a folder, and
//! leads to what became of it.
//!
//! A name is looked up in the storage alone: no statement. What is not made of the characters of a name never gets there.

use std::ops::Range;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, Path, Query, Request, State};
use axum::http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, EXPECT, IF_NONE_MATCH, IF_RANGE, LOCATION, RANGE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http_range_header::{EndPosition, StartPosition, SyntacticallyCorrectRange};
use serde::Deserialize;

use super::accept::Accept;
use super::body::{Pace, discard};
use super::gate::Caller;
use super::places::Uploader;
use super::reply::Reply;
use crate::domains::media::policy;
use crate::domains::media::service::uploads::{self, Granted};
use crate::domains::media::service::{blob_key, uploads::find_result};
use crate::error::{AppError, AppResult, ErrorCode};
use crate::files::Kind;
use crate::files::kind::by_extension;
use crate::http::endpoint::Endpoint;
use crate::storage::Download;

/// What is found at a name never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Whatever a file may hold, it runs nothing, loads nothing, and is of no site.
const SANDBOX: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// So long after its first bytes, a body that is sent straight here has to come at a rate.
const GRACE: Duration = Duration::from_secs(15);

/// Answers `GET /media/<name>`.
pub async fn serve(
    State(endpoint): State<Endpoint>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Query(Saved { name: saved_as }): Query<Saved>,
    request: Request,
) -> Response {
    let (method, headers) = (request.method(), request.headers());
    let Some(kind) = kind_of(&name) else { return gone() };
    let tag = format!("\"{name}\"");
    match open(&endpoint, &name, &tag, (method, headers)).await {
        Ok(Opened::Known) => {
            (StatusCode::NOT_MODIFIED, [(ETAG, tag.as_str()), (CACHE_CONTROL, FOR_EVER)]).into_response()
        }
        Ok(Opened::Found(download, is_part)) => {
            let mut response = answer(download, is_part, kind, &tag);
            set_disposition(&mut response, kind, saved_as.as_deref());
            response
        }
        Ok(Opened::Nothing) => gone(),
        Ok(Opened::OutOfRange(size)) => {
            (StatusCode::RANGE_NOT_SATISFIABLE, [(CONTENT_RANGE, format!("bytes */{size}"))]).into_response()
        }
        Err(error) => refuse(&endpoint, &caller, headers, &error),
    }
}

/// The parameters of a file's address.
#[derive(Deserialize)]
pub struct Saved {
    /// What a document is saved as. Not part of what identifies the file.
    name: Option<String>,
}

/// Pictures, sound and films are shown, documents are saved.
fn set_disposition(response: &mut Response, kind: &Kind, saved_as: Option<&str>) {
    let disposition = match saved_as {
        _ if kind.is_shown() => "inline".to_owned(),
        Some(name) => policy::attachment(name, kind),
        None => "attachment".to_owned(),
    };
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
}

enum Opened {
    Found(Download, bool),
    Known,
    Nothing,
    OutOfRange(u64),
}

/// Opens a file, or the one part of it that was asked for. Of several parts at once the whole is the answer.
async fn open(
    endpoint: &Endpoint,
    name: &str,
    tag: &str,
    (method, headers): (&Method, &HeaderMap),
) -> AppResult<Opened> {
    let storage = &endpoint.app.storage;
    let key = blob_key(name);
    if header(headers, &IF_NONE_MATCH).is_some_and(|tags| matches_tag(tags, tag)) {
        return Ok(if storage.size(&key).await?.is_some() { Opened::Known } else { Opened::Nothing });
    }
    let current = method == Method::GET && header(headers, &IF_RANGE).is_none_or(|wanted| wanted == tag);
    let asked = header(headers, &RANGE).filter(|_| current);
    let asked = asked.and_then(|range| http_range_header::parse_range_header(range).ok());
    let mut range: Option<Range<u64>> = None;
    if let Some([asked]) = asked.as_ref().map(|asked| asked.ranges.as_slice()) {
        let Some(size) = storage.size(&key).await? else { return Ok(Opened::Nothing) };
        let Some(part) = part(asked, size) else { return Ok(Opened::OutOfRange(size)) };
        // What ends before it begins is no part, and is not understood.
        range = Some(part).filter(|part| !part.is_empty());
    }
    let is_part = range.is_some();
    Ok(storage.get(&key, range).await?.map_or(Opened::Nothing, |download| Opened::Found(download, is_part)))
}

/// The bytes of one part; none when it begins behind the end.
fn part(asked: &SyntacticallyCorrectRange, size: u64) -> Option<Range<u64>> {
    match (asked.start, asked.end) {
        (StartPosition::FromLast(count), _) => Some(size.saturating_sub(count)..size),
        (StartPosition::Index(start), _) if start >= size => None,
        (StartPosition::Index(start), EndPosition::Index(end)) => Some(start..end.saturating_add(1).min(size)),
        (StartPosition::Index(start), EndPosition::LastByte) => Some(start..size),
    }
}

fn answer(Download { size, range, stream }: Download, is_part: bool, kind: &Kind, tag: &str) -> Response {
    let mut response = Response::new(Body::from_stream(stream));
    let content_type = if kind.content_type.starts_with("text/") {
        format!("{}; charset=utf-8", kind.content_type)
    } else {
        kind.content_type.to_owned()
    };
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(CONTENT_TYPE, &content_type);
    set(CONTENT_LENGTH, &(range.end - range.start).to_string());
    set(ETAG, tag);
    set(CACHE_CONTROL, FOR_EVER);
    set(ACCEPT_RANGES, "bytes");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(CONTENT_SECURITY_POLICY, SANDBOX);
    // Whoever knows the name may read it, from the page of any site.
    set(ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    if is_part {
        set(CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start, range.end - 1));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// Answers `GET /media/uploads/<key>`: leads to the file once there is one.
pub async fn follow(
    State(endpoint): State<Endpoint>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Response {
    match find_result(&endpoint.app, &key).await {
        Ok(Some(address)) => {
            let place = format!("{}/media/{address}", endpoint.app.config.public_url);
            (StatusCode::FOUND, [(LOCATION, place.as_str()), (CACHE_CONTROL, "no-cache")]).into_response()
        }
        Ok(None) => gone(),
        Err(error) => refuse(&endpoint, &caller, &headers, &error),
    }
}

/// The parameters of an upload's address.
#[derive(Deserialize)]
pub struct Signed {
    #[serde(default)]
    token: String,
}

/// Answers `PUT /media/uploads/<key>?token=`: takes exactly what was announced.
pub async fn receive(
    State(endpoint): State<Endpoint>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
    Query(Signed { token }): Query<Signed>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let mut body = body.into_data_stream();
    let received = async {
        let granted = uploads::find_granted(&endpoint.app, &key, &token).await?.ok_or_else(AppError::forbidden)?;
        check_announced(&granted, &parts.headers)?;
        let uploader = Uploader { person: granted.owner, ip: caller.ip, is_local: caller.is_local };
        store(&endpoint, &granted, uploader, &mut body).await
    };
    match received.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            // A client that asked before sending hears the refusal first. Of a body that does not say its length it is not
            // known how much is to come.
            if parts.headers.contains_key(CONTENT_LENGTH) && !parts.headers.contains_key(EXPECT) {
                discard(&mut body).await;
            }
            refuse(&endpoint, &caller, &parts.headers, &error)
        }
    }
}

/// Refuses, before any of it is read, what is not what was announced.
fn check_announced(granted: &Granted, headers: &HeaderMap) -> AppResult<()> {
    let media_type = header(headers, &CONTENT_TYPE).unwrap_or_default();
    if !media_type.eq_ignore_ascii_case(&granted.content_type) {
        let message = format!("Send Content-Type: {}, as announced.", granted.content_type);
        return Err(AppError::Request(ErrorCode::UnsupportedMediaType, message));
    }
    let length = header(headers, &CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    match length {
        Some(length) if length == granted.size => Ok(()),
        Some(length) if length > granted.size => Err(too_large(granted)),
        _ => Err(AppError::bad_input(format!("Send Content-Length: {}, as announced.", granted.size))),
    }
}

fn too_large(granted: &Granted) -> AppError {
    AppError::Request(ErrorCode::PayloadTooLarge, format!("{} bytes were announced, and no more.", granted.size))
}

async fn store(
    endpoint: &Endpoint,
    granted: &Granted,
    uploader: Uploader,
    body: &mut axum::body::BodyDataStream,
) -> AppResult<()> {
    let cut_off = || AppError::bad_input("The body was cut off.");
    let first = Pace::start(GRACE).wait(body.next()).await?.ok_or_else(cut_off)?;
    // Not before something has come: silence holds no place.
    let _place = endpoint.uploads.take(uploader).await?;
    let mut pace = Pace::start(GRACE);
    let mut incoming = endpoint.app.storage.receive(&granted.key).await?;
    let mut size: u64 = 0;
    let mut next = Some(first);
    while let Some(chunk) = next {
        let chunk = chunk.map_err(|_| cut_off())?;
        size += chunk.len() as u64;
        if size > granted.size {
            return Err(too_large(granted));
        }
        pace.count(chunk.len())?;
        incoming.write(chunk).await?;
        next = pace.wait(body.next()).await?;
    }
    if size != granted.size {
        return Err(cut_off());
    }
    incoming.finish().await
}

/// The kind of the file of this name, if it is a name: a hash and an extension.
fn kind_of(name: &str) -> Option<&'static Kind> {
    let (hash, extension) = name.split_once('.')?;
    let is_hash = hash.len() == 48 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    by_extension(extension).filter(|_| is_hash)
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn matches_tag(tags: &str, tag: &str) -> bool {
    tags.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

fn gone() -> Response {
    (StatusCode::NOT_FOUND, [(CACHE_CONTROL, "no-store")], "not found\n").into_response()
}

fn refuse(endpoint: &Endpoint, caller: &Caller, headers: &HeaderMap, error: &AppError) -> Response {
    Reply::to(&Accept::of(headers), &endpoint.app.metrics, &caller.trace).refuse(error)
}
