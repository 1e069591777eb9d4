//! Uploads by the graphql-multipart-request-spec: `operations`, then `map`, then the files, which go to temporary files
//! and are counted while they stream.

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

use super::body::{BODY_TIMEOUT, Pace, Room, check_length, parse, too_large, too_slow};
use super::places::{Place, Uploader};
use crate::config::TransportLimits;
use crate::error::{AppError, AppResult, ErrorCode};
use crate::files::workshop::Spool;
use crate::graphql::document::Asked;
use crate::http::endpoint::Endpoint;

/// A browser asks first before it sends one of these to another site; a form can't send them at all.
const PREFLIGHT: [&str; 3] = ["graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name"];

/// Bytes that may stand where no part's content is: before the first part, and in the head of each.
const MOST_BETWEEN: usize = 64 << 10;

/// Bytes of the map for each file: a name and a path.
const MAP_BYTES: usize = 512;

/// So long after its first bytes, files have to come at a rate.
const GRACE: Duration = Duration::from_secs(5);

/// A file and its place, such as `variables.input.pictures.0`.
pub type File = (String, UploadValue);

/// A request that was read.
#[derive(Default)]
pub struct Received {
    /// The request.
    pub asked: Asked,
    /// Its files.
    pub files: Vec<File>,
    /// What holds the place of its files among all uploads; none without files.
    pub place: Option<Place>,
}

/// Refuses what a form on another site's page could send.
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
/// When it is not as the specification has it, too large, too slow or cut off.
pub async fn read(
    headers: &HeaderMap,
    body: &mut BodyDataStream,
    endpoint: &Endpoint,
    (uploader, room): (Uploader, Room<'_>),
) -> AppResult<Received> {
    let limits = &endpoint.app.config.transport;
    check_length(headers, limits.upload)?;
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(media_type)
        .map_err(|_| AppError::bad_input("The multipart/form-data body has no boundary in Content-Type."))?;
    let whole = Constraints::new().size_limit(SizeLimit::new().whole_stream(limits.upload as u64));
    let came = Came::default();
    let multipart = Multipart::with_constraints(in_turn(body, came.clone()), boundary, whole);
    let deadline = Instant::now() + BODY_TIMEOUT;
    read_parts(Parts { multipart, came, deadline, pace: None, limits, room }, endpoint, uploader).await
}

/// Bytes that came since the last part, or the last piece of one: what the reader of parts holds and looks through.
#[derive(Clone, Default)]
struct Came(Arc<AtomicUsize>);

/// The parts of a body, one after the other.
struct Parts<'a> {
    multipart: Multipart<'a>,
    came: Came,
    /// By then all of it has come.
    deadline: Instant,
    /// At what rate it has to come, heads and all; none while no place is held.
    pace: Option<Pace>,
    limits: &'a TransportLimits,
    /// Room for what is not a file.
    room: Room<'a>,
}

impl<'a> Parts<'a> {
    async fn next(&mut self) -> AppResult<Option<Field<'a>>> {
        let next = in_pace(self.pace.as_ref(), self.deadline, self.multipart.next_field()).await?;
        self.count()?;
        next.map_err(|error| fault(&error, self.limits))
    }

    async fn piece(&mut self, field: &mut Field<'_>) -> AppResult<Option<Bytes>> {
        let piece = in_pace(self.pace.as_ref(), self.deadline, field.chunk()).await?;
        self.count()?;
        piece.map_err(|error| fault(&error, self.limits))
    }

    /// Counts what came for the last part or piece.
    fn count(&mut self) -> AppResult<()> {
        let bytes = self.came.0.swap(0, Ordering::Relaxed);
        self.pace.as_mut().map_or(Ok(()), |pace| pace.count(bytes))
    }

    /// From now on a place is held, and what is still to come has its own time: a client that waited for others did not send
    /// slowly.
    fn hold_place(&mut self) {
        (self.deadline, self.pace) = (Instant::now() + BODY_TIMEOUT, Some(Pace::start(GRACE)));
    }
}

/// Waits for what is next until the deadline, and not longer than the pace allows.
async fn in_pace<T>(pace: Option<&Pace>, deadline: Instant, next: impl Future<Output = T>) -> AppResult<T> {
    let in_time = async { timeout_at(deadline, next).await.map_err(|_| too_slow()) };
    match pace {
        Some(pace) => pace.wait(in_time).await?,
        None => in_time.await,
    }
}

/// The body, a chunk at a time: the reader of parts would take in all that is there before it looks at any of it.
fn in_turn(body: &mut BodyDataStream, came: Came) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send {
    let mut had_one = false;
    stream::poll_fn(move |context| {
        had_one = !had_one;
        if had_one {
            let chunk = body.poll_next_unpin(context);
            had_one = chunk.is_ready();
            if let Poll::Ready(Some(Ok(bytes))) = &chunk {
                let held = came.0.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
                if held > MOST_BETWEEN {
                    return Poll::Ready(Some(Err(axum::Error::new("nothing but what stands between parts"))));
                }
            }
            return chunk;
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

async fn read_parts(mut parts: Parts<'_>, endpoint: &Endpoint, uploader: Uploader) -> AppResult<Received> {
    let limits = parts.limits;
    let asked = parse(&collect(&mut parts, "operations", limits.body).await?)?;
    let map = collect(&mut parts, "map", MAP_BYTES * limits.files).await?;
    let mut expected = parse_map(&map, &asked, limits)?;
    let mut received = Received { asked, ..Received::default() };
    while let Some(mut field) = parts.next().await? {
        let place = field.name().and_then(|name| expected.remove(name));
        let place =
            place.ok_or_else(|| AppError::bad_input("Each file has a name that `map` knows, and comes once."))?;
        let first = parts.piece(&mut field).await?;
        if received.place.is_none() {
            received.place = Some(endpoint.uploads.take(uploader).await?);
            parts.hold_place();
        }
        let filename = field.file_name().unwrap_or_default().to_owned();
        let content_type = field.content_type().map(ToString::to_string);
        let mut file = fresh(endpoint.app.workshop.spool()).await?;
        save(&mut parts, (field, first), &mut file).await?;
        let content = file.into_std().await;
        received.files.push((place, UploadValue { filename, content_type, content }));
    }
    if let Some(name) = expected.keys().next() {
        return Err(AppError::bad_input(format!("`map` has {name:?}, but no such file came.")));
    }
    Ok(received)
}

/// A part that has to be there by this name, whole.
async fn collect(parts: &mut Parts<'_>, name: &str, most: usize) -> AppResult<Vec<u8>> {
    let field = parts.next().await?.filter(|field| field.name() == Some(name));
    let mut field = field.ok_or_else(|| {
        AppError::bad_input(format!("The parts are `operations`, `map`, then the files; `{name}` is not in its place."))
    })?;
    // Put together once it is known to be small enough.
    let mut chunks: Vec<Bytes> = Vec::new();
    let mut size = 0;
    while let Some(chunk) = parts.piece(&mut field).await? {
        size += chunk.len();
        parts.room.count(chunk.len())?;
        if size > most {
            return Err(too_large(&format!("`{name}`"), most));
        }
        chunks.push(chunk);
    }
    Ok(chunks.concat())
}

/// A temporary file.
async fn fresh(spool: &Spool) -> AppResult<TokioFile> {
    let spool = spool.clone();
    let file = spawn_blocking(move || spool.file()).await.map_err(AppError::internal)?.map_err(AppError::internal)?;
    Ok(TokioFile::from_std(file))
}

/// Writes a part, of which the first piece was read, into a file.
async fn save(
    parts: &mut Parts<'_>,
    (mut field, mut piece): (Field<'_>, Option<Bytes>),
    file: &mut TokioFile,
) -> AppResult<()> {
    let most = parts.limits.file;
    let mut size = 0;
    while let Some(chunk) = piece {
        size += chunk.len();
        if size > most {
            return Err(too_large("A file", most));
        }
        file.write_all(&chunk).await.map_err(AppError::internal)?;
        piece = parts.piece(&mut field).await?;
    }
    file.flush().await.map_err(AppError::internal)
}

/// The place of each file, by its name: one place a file, no place twice, null until the file is there.
fn parse_map(bytes: &[u8], asked: &Asked, limits: &TransportLimits) -> AppResult<HashMap<String, String>> {
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
    let mut places: HashMap<String, String> = HashMap::new();
    for (name, paths) in map {
        let [place] = paths.as_slice() else {
            return Err(AppError::bad_input(format!("`map` has to give the file {name:?} exactly one place.")));
        };
        if places.values().any(|taken| taken == place) {
            return Err(AppError::bad_input(format!("`map` puts two files at {place:?}.")));
        }
        let is_null = asked.variables.as_ref().and_then(|variables| at(variables, place)) == Some(&Value::Null);
        if !is_null {
            return Err(AppError::bad_input(format!("`map` names {place:?}, which is no null among the variables.")));
        }
        places.insert(name, place.clone());
    }
    Ok(places)
}

/// The value at a path such as `variables.files.0`.
fn at<'a>(variables: &'a Variables, path: &str) -> Option<&'a Value> {
    let mut steps = path.strip_prefix("variables.")?.split('.');
    let mut value = variables.get(&async_graphql::Name::new(steps.next()?))?;
    for step in steps {
        value = match value {
            Value::Object(fields) => fields.get(step)?,
            // Spelled in one way only, so that no place has two names.
            Value::List(items) => items.get(step.parse::<usize>().ok().filter(|place| place.to_string() == step)?)?,
            _ => return None,
        };
    }
    Some(value)
}

fn fault(error: &multer::Error, limits: &TransportLimits) -> AppError {
    match error {
        multer::Error::StreamSizeExceeded { .. } => too_large("The request", limits.upload),
        _ => AppError::bad_input("The body is no whole multipart/form-data."),
    }
}
