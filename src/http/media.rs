//! Files over HTTP: `GET /media/<name>` downloads; `PUT /media/uploads/<key>` receives a direct upload if the storage is a
//! folder, and `GET` redirects to its file.
//!
//! Downloads send no SQL. Names are validated before they reach the storage.

use std::ops::Range;
use std::sync::Arc;
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
use super::body::{TransferRate, discard};
use super::client::ClientInfo;
use super::reply::Reply;
use super::upload_slots::Uploader;
use crate::domains::media::policy;
use crate::domains::media::service::uploads::{self, UploadGrant};
use crate::domains::media::service::{blob_key, uploads::find_result};
use crate::error::{AppError, AppResult, ErrorCode};
use crate::files::Kind;
use crate::files::kind::by_extension;
use crate::http::endpoint::Endpoint;
use crate::storage::Download;

/// Blobs are immutable.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// No scripts, no subresources, opaque origin.
const SANDBOX: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// Grace period of the minimum transfer rate.
const RATE_GRACE: Duration = Duration::from_secs(15);

/// Answers `GET /media/<name>`.
pub async fn serve(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(client): Extension<ClientInfo>,
    Path(name): Path<String>,
    Query(DownloadQuery { name: saved_as }): Query<DownloadQuery>,
    request: Request,
) -> Response {
    let (method, headers) = (request.method(), request.headers());
    let Some(kind) = kind_of(&name) else { return not_found() };
    let tag = format!("\"{name}\"");
    match open(&endpoint, &name, &tag, method, headers).await {
        Ok(FileLookup::NotModified) => {
            (StatusCode::NOT_MODIFIED, [(ETAG, tag.as_str()), (CACHE_CONTROL, IMMUTABLE)]).into_response()
        }
        Ok(FileLookup::Found(download, is_part)) => {
            let mut response = respond(download, is_part, kind, &tag);
            set_disposition(&mut response, kind, saved_as.as_deref());
            response
        }
        Ok(FileLookup::NotFound) => not_found(),
        Ok(FileLookup::OutOfRange(size)) => {
            (StatusCode::RANGE_NOT_SATISFIABLE, [(CONTENT_RANGE, format!("bytes */{size}"))]).into_response()
        }
        Err(error) => reject(&endpoint, &client, headers, &error),
    }
}

/// Query parameters of a download.
#[derive(Deserialize)]
pub struct DownloadQuery {
    /// File name for saving; does not identify the file.
    name: Option<String>,
}

/// `inline` for pictures, audio and video; `attachment` for documents.
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

enum FileLookup {
    Found(Download, bool),
    NotModified,
    NotFound,
    OutOfRange(u64),
}

/// Opens a file or one range of it; several ranges get the whole file.
async fn open(
    endpoint: &Endpoint,
    name: &str,
    tag: &str,
    method: &Method,
    headers: &HeaderMap,
) -> AppResult<FileLookup> {
    let storage = &endpoint.app.storage;
    let key = blob_key(name);
    if header(headers, &IF_NONE_MATCH).is_some_and(|tags| matches_tag(tags, tag)) {
        return Ok(if storage.size(&key).await?.is_some() { FileLookup::NotModified } else { FileLookup::NotFound });
    }
    let current = method == Method::GET && header(headers, &IF_RANGE).is_none_or(|wanted| wanted == tag);
    let requested = header(headers, &RANGE).filter(|_| current);
    let requested = requested.and_then(|range| http_range_header::parse_range_header(range).ok());
    let mut range: Option<Range<u64>> = None;
    if let Some([requested]) = requested.as_ref().map(|requested| requested.ranges.as_slice()) {
        let Some(size) = storage.size(&key).await? else { return Ok(FileLookup::NotFound) };
        let Some(part) = requested_range(requested, size) else { return Ok(FileLookup::OutOfRange(size)) };
        // An inverted range is invalid and ignored.
        range = Some(part).filter(|part| !part.is_empty());
    }
    let is_part = range.is_some();
    Ok(storage.get(&key, range).await?.map_or(FileLookup::NotFound, |download| FileLookup::Found(download, is_part)))
}

/// The byte range; none if it starts after the end.
fn requested_range(requested: &SyntacticallyCorrectRange, size: u64) -> Option<Range<u64>> {
    match (requested.start, requested.end) {
        (StartPosition::FromLast(count), _) => Some(size.saturating_sub(count)..size),
        (StartPosition::Index(start), _) if start >= size => None,
        (StartPosition::Index(start), EndPosition::Index(end)) => Some(start..end.saturating_add(1).min(size)),
        (StartPosition::Index(start), EndPosition::LastByte) => Some(start..size),
    }
}

fn respond(Download { size, range, stream }: Download, is_part: bool, kind: &Kind, tag: &str) -> Response {
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
    set(CACHE_CONTROL, IMMUTABLE);
    set(ACCEPT_RANGES, "bytes");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(CONTENT_SECURITY_POLICY, SANDBOX);
    // Names are capabilities: readable from any origin.
    set(ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    if is_part {
        set(CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start, range.end - 1));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// Answers `GET /media/uploads/<key>`: redirects to the file of a completed upload.
pub async fn redirect_to_file(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(client): Extension<ClientInfo>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Response {
    match find_result(&endpoint.app, &key).await {
        Ok(Some(address)) => {
            let location = format!("{}/media/{address}", endpoint.app.config.public_url);
            (StatusCode::FOUND, [(LOCATION, location.as_str()), (CACHE_CONTROL, "no-cache")]).into_response()
        }
        Ok(None) => not_found(),
        Err(error) => reject(&endpoint, &client, &headers, &error),
    }
}

/// Query parameters of an upload.
#[derive(Deserialize)]
pub struct UploadQuery {
    #[serde(default)]
    token: String,
}

/// Answers `PUT /media/uploads/<key>?token=`: accepts exactly the announced size and type.
pub async fn put_upload(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(client): Extension<ClientInfo>,
    Path(key): Path<String>,
    Query(UploadQuery { token }): Query<UploadQuery>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let mut body = body.into_data_stream();
    let received = async {
        let granted = uploads::find_grant(&endpoint.app, &key, &token).await?.ok_or_else(AppError::forbidden)?;
        check_announced(&granted, &parts.headers)?;
        let uploader = Uploader { user: granted.owner, ip: client.ip, is_local: client.is_local };
        receive_file(&endpoint, &granted, uploader, &mut body).await
    };
    match received.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            // Without `Content-Length` the rest is unbounded; with `Expect: 100-continue` nothing was sent yet.
            if parts.headers.contains_key(CONTENT_LENGTH) && !parts.headers.contains_key(EXPECT) {
                discard(&mut body).await;
            }
            reject(&endpoint, &client, &parts.headers, &error)
        }
    }
}

/// Checks the headers against the announcement, before reading.
fn check_announced(granted: &UploadGrant, headers: &HeaderMap) -> AppResult<()> {
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

fn too_large(granted: &UploadGrant) -> AppError {
    AppError::Request(ErrorCode::PayloadTooLarge, format!("{} bytes were announced, and no more.", granted.size))
}

async fn receive_file(
    endpoint: &Endpoint,
    granted: &UploadGrant,
    uploader: Uploader,
    body: &mut axum::body::BodyDataStream,
) -> AppResult<()> {
    let cut_off = || AppError::bad_input("The body was cut off.");
    let first = TransferRate::start(RATE_GRACE).wait(body.next()).await?.ok_or_else(cut_off)?;
    // After the first chunk: idle clients hold no slot.
    let _slot = endpoint.upload_slots.acquire(uploader).await?;
    let mut rate = TransferRate::start(RATE_GRACE);
    let mut incoming = endpoint.app.storage.begin_upload(&granted.key).await?;
    let mut size: u64 = 0;
    let mut next = Some(first);
    while let Some(chunk) = next {
        let chunk = chunk.map_err(|_| cut_off())?;
        size += chunk.len() as u64;
        if size > granted.size {
            return Err(too_large(granted));
        }
        rate.count(chunk.len())?;
        incoming.write(chunk).await?;
        next = rate.wait(body.next()).await?;
    }
    if size != granted.size {
        return Err(cut_off());
    }
    incoming.finish().await
}

/// The file type of a blob name; none if malformed.
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

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, [(CACHE_CONTROL, "no-store")], "not found\n").into_response()
}

fn reject(endpoint: &Endpoint, client: &ClientInfo, headers: &HeaderMap, error: &AppError) -> Response {
    Reply::to(&Accept::of(headers), &endpoint.app.metrics, &client.trace).refuse(error)
}
