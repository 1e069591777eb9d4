//! Uploads by the graphql-multipart-request-spec: `operations`, then `map`, then the files, streamed to temporary files.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_graphql::{UploadValue, Value, Variables};
use axum::body::{BodyDataStream, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use futures_util::{Stream, StreamExt, stream};
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::fs::File as TokioFile;
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::body::{BODY_TIMEOUT, BodyBudget, TransferRate, check_length, parse, too_large, too_slow};
use super::upload_slots::{UploadSlot, Uploader};
use crate::config::TransportLimits;
use crate::error::{AppError, AppResult, ErrorCode};
use crate::files::TempDir;
use crate::graphql::document::GraphqlRequest;
use crate::http::endpoint::Endpoint;

/// Headers that force a CORS preflight (CSRF protection).
const PREFLIGHT: [&str; 3] = ["graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name"];

/// Bytes outside of part contents: the preamble, and the headers of one part.
const OVERHEAD_BYTES_LIMIT: usize = 64 << 10;

/// Bytes of `map` for each file.
const MAP_BYTES_PER_FILE: usize = 512;

/// Grace period of the minimum transfer rate.
const RATE_GRACE: Duration = Duration::from_secs(5);

/// Path of a file, such as `variables.input.pictures.0`, and the file.
pub type MappedFile = (String, UploadValue);

/// A GraphQL request with its files.
#[derive(Default)]
pub struct RequestContent {
    /// The request parameters.
    pub params: GraphqlRequest,
    /// Its files.
    pub files: Vec<MappedFile>,
    /// Upload slot; none without files.
    pub slot: Option<UploadSlot>,
}

/// CSRF check: requires a header that a cross-site form can't send.
///
/// # Errors
/// `CSRF_REFUSED`.
pub fn check_preflight(headers: &HeaderMap) -> AppResult<()> {
    if PREFLIGHT.iter().any(|name| headers.contains_key(*name)) {
        return Ok(());
    }
    let message = "Send the header GraphQL-Require-Preflight with multipart requests.";
    Err(AppError::Request(ErrorCode::CsrfRefused, message.into()))
}

/// Reads a multipart request.
///
/// # Errors
/// When it violates the specification, is too large, too slow or truncated.
pub async fn read(
    headers: &HeaderMap,
    body: &mut BodyDataStream,
    endpoint: &Endpoint,
    uploader: Uploader,
    budget: BodyBudget<'_>,
) -> AppResult<RequestContent> {
    let limits = &endpoint.app.config.transport;
    check_length(headers, limits.upload)?;
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(media_type)
        .map_err(|_| AppError::bad_input("The multipart/form-data body has no boundary in Content-Type."))?;
    let whole = Constraints::new().size_limit(SizeLimit::new().whole_stream(limits.upload as u64));
    let received_bytes = BytesReceived::default();
    let multipart = Multipart::with_constraints(one_chunk_at_a_time(body, received_bytes.clone()), boundary, whole);
    let deadline = Instant::now() + BODY_TIMEOUT;
    read_parts(PartReader { multipart, received_bytes, deadline, rate: None, limits, budget }, endpoint, uploader).await
}

/// Bytes received since the last part or chunk, which the multipart parser buffers.
#[derive(Clone, Default)]
struct BytesReceived(Arc<AtomicUsize>);

/// Reads the parts in order.
struct PartReader<'a> {
    multipart: Multipart<'a>,
    received_bytes: BytesReceived,
    /// Deadline of the whole body.
    deadline: Instant,
    /// Minimum transfer rate, headers included; none before a slot is held.
    rate: Option<TransferRate>,
    limits: &'a TransportLimits,
    /// Memory budget of parts other than files.
    budget: BodyBudget<'a>,
}

impl<'a> PartReader<'a> {
    async fn next(&mut self) -> AppResult<Option<Field<'a>>> {
        let next = within_rate(self.rate.as_ref(), self.deadline, self.multipart.next_field()).await?;
        self.count()?;
        next.map_err(|error| multipart_error(&error, self.limits))
    }

    async fn next_chunk(&mut self, field: &mut Field<'_>) -> AppResult<Option<Bytes>> {
        let next = within_rate(self.rate.as_ref(), self.deadline, field.chunk()).await?;
        self.count()?;
        next.map_err(|error| multipart_error(&error, self.limits))
    }

    /// Counts the bytes received since the last part or chunk.
    fn count(&mut self) -> AppResult<()> {
        let bytes = self.received_bytes.0.swap(0, Ordering::Relaxed);
        self.rate.as_mut().map_or(Ok(()), |rate| rate.count(bytes))
    }

    /// Restarts deadline and rate once a slot is held: the wait for it is not the client's.
    fn hold_slot(&mut self) {
        (self.deadline, self.rate) = (Instant::now() + BODY_TIMEOUT, Some(TransferRate::start(RATE_GRACE)));
    }
}

/// Waits for the next part or chunk, within deadline and minimum rate.
async fn within_rate<T>(rate: Option<&TransferRate>, deadline: Instant, next: impl Future<Output = T>) -> AppResult<T> {
    let in_time = async { timeout_at(deadline, next).await.map_err(|_| too_slow()) };
    match rate {
        Some(rate) => rate.wait(in_time).await?,
        None => in_time.await,
    }
}

/// Yields between chunks, as the multipart parser would buffer all that is available before parsing.
fn one_chunk_at_a_time(
    body: &mut BodyDataStream,
    received_bytes: BytesReceived,
) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send {
    let mut had_one = false;
    stream::poll_fn(move |context| {
        had_one = !had_one;
        if had_one {
            let chunk = body.poll_next_unpin(context);
            had_one = chunk.is_ready();
            if let Poll::Ready(Some(Ok(bytes))) = &chunk {
                let held = received_bytes.0.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
                if held > OVERHEAD_BYTES_LIMIT {
                    return Poll::Ready(Some(Err(axum::Error::new("nothing but what stands between parts"))));
                }
            }
            return chunk;
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

async fn read_parts(mut parts: PartReader<'_>, endpoint: &Endpoint, uploader: Uploader) -> AppResult<RequestContent> {
    let limits = parts.limits;
    let params = parse(&collect(&mut parts, "operations", limits.body).await?)?;
    let map = collect(&mut parts, "map", MAP_BYTES_PER_FILE * limits.files).await?;
    let mut expected = parse_map(&map, &params, limits)?;
    let mut received = RequestContent { params, ..RequestContent::default() };
    while let Some(mut field) = parts.next().await? {
        let path = field.name().and_then(|name| expected.remove(name));
        let path = path.ok_or_else(|| AppError::bad_input("Each file has a name that `map` knows, and comes once."))?;
        let first = parts.next_chunk(&mut field).await?;
        if received.slot.is_none() {
            received.slot = Some(endpoint.upload_slots.acquire(uploader).await?);
            parts.hold_slot();
        }
        let filename = field.file_name().unwrap_or_default().to_owned();
        let content_type = field.content_type().map(ToString::to_string);
        let mut file = temp_file(endpoint.app.file_processor.temp_dir()).await?;
        save(&mut parts, field, first, &mut file).await?;
        let content = file.into_std().await;
        received.files.push((path, UploadValue { filename, content_type, content }));
    }
    if let Some(name) = expected.keys().next() {
        return Err(AppError::bad_input(format!("`map` has {name:?}, but no such file came.")));
    }
    Ok(received)
}

/// Reads a required part into memory.
async fn collect(parts: &mut PartReader<'_>, name: &str, most: usize) -> AppResult<Vec<u8>> {
    let field = parts.next().await?.filter(|field| field.name() == Some(name));
    let mut field = field.ok_or_else(|| {
        AppError::bad_input(format!("The parts are `operations`, `map`, then the files; `{name}` is not in its place."))
    })?;
    // Concatenated once the size is known to be in the limit.
    let mut chunks: Vec<Bytes> = Vec::new();
    let mut size = 0;
    while let Some(chunk) = parts.next_chunk(&mut field).await? {
        size += chunk.len();
        parts.budget.count(chunk.len())?;
        if size > most {
            return Err(too_large(&format!("`{name}`"), most));
        }
        chunks.push(chunk);
    }
    Ok(chunks.concat())
}

/// Opens a temporary file.
async fn temp_file(temp_dir: &TempDir) -> AppResult<TokioFile> {
    let temp_dir = temp_dir.clone();
    let file =
        spawn_blocking(move || temp_dir.file()).await.map_err(AppError::internal)?.map_err(AppError::internal)?;
    Ok(TokioFile::from_std(file))
}

/// Writes a part to a file, from its `next` chunk, which was read already.
async fn save(
    parts: &mut PartReader<'_>,
    mut field: Field<'_>,
    mut next: Option<Bytes>,
    file: &mut TokioFile,
) -> AppResult<()> {
    let most = parts.limits.file;
    let mut size = 0;
    while let Some(chunk) = next {
        size += chunk.len();
        if size > most {
            return Err(too_large("A file", most));
        }
        file.write_all(&chunk).await.map_err(AppError::internal)?;
        next = parts.next_chunk(&mut field).await?;
    }
    file.flush().await.map_err(AppError::internal)
}

/// Path by part name: one path a file, no path twice, null in the variables.
fn parse_map(bytes: &[u8], params: &GraphqlRequest, limits: &TransportLimits) -> AppResult<HashMap<String, String>> {
    let shape = || {
        AppError::bad_input("`map` has to be a JSON object of lists of texts, such as {\"0\": [\"variables.file\"]}.")
    };
    let map: HashMap<String, Vec<String>> = serde_json::from_slice(bytes).map_err(|_| shape())?;
    if map.len() > limits.files {
        return Err(AppError::Request(
            ErrorCode::PayloadTooLarge,
            format!("A request may have {} files.", limits.files),
        ));
    }
    let mut path_by_name: HashMap<String, String> = HashMap::new();
    for (name, paths) in map {
        let [path] = paths.as_slice() else {
            return Err(AppError::bad_input(format!("`map` has to give the file {name:?} exactly one place.")));
        };
        if path_by_name.values().any(|taken| taken == path) {
            return Err(AppError::bad_input(format!("`map` puts two files at {path:?}.")));
        }
        let is_null = params.variables.as_ref().and_then(|variables| at(variables, path)) == Some(&Value::Null);
        if !is_null {
            return Err(AppError::bad_input(format!("`map` names {path:?}, which is no null among the variables.")));
        }
        path_by_name.insert(name, path.clone());
    }
    Ok(path_by_name)
}

/// The value at a path such as `variables.files.0`.
fn at<'a>(variables: &'a Variables, path: &str) -> Option<&'a Value> {
    let mut steps = path.strip_prefix("variables.")?.split('.');
    let mut value = variables.get(&async_graphql::Name::new(steps.next()?))?;
    for step in steps {
        value = match value {
            Value::Object(fields) => fields.get(step)?,
            // Canonical indices only, so that no path has two spellings.
            Value::List(items) => items.get(step.parse::<usize>().ok().filter(|path| path.to_string() == step)?)?,
            _ => return None,
        };
    }
    Some(value)
}

fn multipart_error(error: &multer::Error, limits: &TransportLimits) -> AppError {
    match error {
        multer::Error::StreamSizeExceeded { .. } => too_large("The request", limits.upload),
        _ => AppError::bad_input("The body is no whole multipart/form-data."),
    }
}
