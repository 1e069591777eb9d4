//! Decodes a picture in a subprocess with rlimits on memory and CPU time, which contains what a crafted file does to a
//! decoder. The subprocess is `plaza picture`: the file on stdin; on stdout a JSON report line, then the encoded bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde::{Deserialize, Serialize};

use super::model::{DeclaredType, Dimensions, EncodedFile, FileError, Header, ProcessedFile};
use super::sink::Sink;
use super::temp_dir::TempDir;
use super::{encode_file, inspect, kind};

/// CPU time for one picture, in seconds (`RLIMIT_CPU`).
const CPU_SECONDS_LIMIT: u64 = 10;

/// Wall-clock time for one picture, for a process that hangs or is starved of CPU.
pub const DECODING_TIMEOUT: Duration = Duration::from_mins(1);

/// Memory of the subprocess beyond what decoding takes.
const OVERHEAD_BYTES: u64 = 40 << 20;

/// Scheduling priority: the server goes first.
const NICENESS: i32 = 5;

/// Size of the report line.
const REPORT_BYTES_LIMIT: u64 = 1024;

/// Exit codes. Any other end counts as too much memory or time.
const DAMAGED: u8 = 3;
const STORED_TOO_LARGE: u8 = 4;
const TOO_MUCH_MEMORY: u8 = 5;
const NOT_ALLOWED: u8 = 6;
const FAILED: u8 = 7;

/// Exit code of a Rust panic.
const PANICKED: i32 = 101;

/// The report line.
#[derive(Serialize, Deserialize)]
struct Report {
    main: Part,
    thumbnail: Option<Part>,
    dimensions: Option<Dimensions>,
}

/// One of the files that follow the report.
#[derive(Serialize, Deserialize)]
struct Part {
    content_type: String,
    size: u64,
}

impl Part {
    fn of(made: &EncodedFile) -> Self {
        Self { content_type: made.kind.content_type.into(), size: made.size }
    }
}

/// How the subprocess is run.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Path of the executable.
    pub program: PathBuf,
    /// Wall-clock limit, after which it is killed.
    pub timeout: Duration,
}

/// Decodes and re-encodes a picture in a subprocess. Blocking.
///
/// # Errors
/// [`FileError`] if the picture is rejected, or [`FileError::Io`] if the subprocess can't be run.
pub fn decode_in_subprocess(
    decoder: &Decoder,
    file: File,
    header: &Header,
    temp_dir: &TempDir,
) -> Result<ProcessedFile, FileError> {
    let mut child = Command::new(&decoder.program)
        .arg("picture")
        .arg(header.memory.to_string())
        .arg(temp_dir.folder())
        .env_clear()
        // The allocator would reserve 1 GiB at once, over the rlimit.
        .env("MIMALLOC_ARENA_RESERVE", "0")
        .stdin(Stdio::from(file))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let output = child.stdout.take().ok_or_else(|| io::Error::other("the picture's process has no output"))?;
    let within = within(decoder.timeout, &child, |child| {
        let read = read_result(&mut BufReader::new(output), temp_dir);
        if !is_own_fault(&read) {
            // Without reaping: the pid stays reserved until `wait` below, so the watchdog can't kill another process.
            let _ = waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        }
        read
    });
    let read = within.unwrap_or_else(|error| Err(error.into()));
    // On an error of this side the child is killed. If its output merely ended early, its exit status says why.
    if is_own_fault(&read) {
        let _ = child.kill();
        child.wait()?;
        return read;
    }
    let status = child.wait()?;
    match (status.code(), read) {
        (Some(0), processed) => processed,
        (Some(code), _) if code == i32::from(DAMAGED) || code == PANICKED => Err(FileError::Damaged),
        (Some(code), _) if code == i32::from(STORED_TOO_LARGE) => Err(FileError::StoredTooLarge),
        (Some(code), _) if code == i32::from(NOT_ALLOWED) => Err(FileError::NotAllowed),
        (Some(code), _) if code == i32::from(FAILED) => Err(io::Error::other("the picture's process failed").into()),
        // Killed by a signal: out of time or memory.
        _ => Err(FileError::TooMuchMemory),
    }
}

/// Whether reading failed for another reason than a truncated output.
fn is_own_fault(read: &Result<ProcessedFile, FileError>) -> bool {
    !matches!(read, Err(FileError::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof) && read.is_err()
}

/// Runs `run_decoder` and kills the child at the timeout, which ends its output.
///
/// # Errors
/// When the watchdog thread can't be started; `run_decoder` is not called then.
fn within<T>(timeout: Duration, child: &Child, run_decoder: impl FnOnce(Pid) -> T) -> io::Result<T> {
    let pid = Pid::from_child(child);
    let (done, over) = channel::<()>();
    thread::scope(|scope| {
        let watch = move || {
            if over.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
                let _ = kill_process(pid, Signal::KILL);
            }
        };
        thread::Builder::new().spawn_scoped(scope, watch)?;
        let result = run_decoder(pid);
        drop(done);
        Ok(result)
    })
}

fn read_result(output: &mut impl BufRead, temp_dir: &TempDir) -> Result<ProcessedFile, FileError> {
    let mut line = String::new();
    output.by_ref().take(REPORT_BYTES_LIMIT).read_line(&mut line)?;
    let truncated = || FileError::Io(io::ErrorKind::UnexpectedEof.into());
    let report: Report = serde_json::from_str(&line).map_err(|_| truncated())?;
    let mut part = |Part { content_type, size }: Part| {
        let kind = kind::by_name(&content_type).ok_or(FileError::NotAllowed)?;
        let mut sink = Sink::new(temp_dir)?;
        io::copy(&mut output.by_ref().take(size), &mut sink).map_err(FileError::from_write)?;
        let made = sink.finish(kind)?;
        (made.size == size).then_some(made).ok_or_else(truncated)
    };
    let main = part(report.main)?;
    let thumbnail = report.thumbnail.map(part).transpose()?;
    Ok(ProcessedFile { main, thumbnail, dimensions: report.dimensions })
}

/// Entry point of the subprocess. `memory`: bytes that decoding takes; `folder`: for temporary files.
#[must_use]
pub fn run_decoder(memory: u64, folder: PathBuf) -> ExitCode {
    let done = limit(memory).map_err(FileError::Io).and_then(|()| decode(folder));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(FileError::Io(_)) => ExitCode::from(FAILED),
        Err(FileError::StoredTooLarge) => ExitCode::from(STORED_TOO_LARGE),
        Err(FileError::TooMuchMemory) => ExitCode::from(TOO_MUCH_MEMORY),
        Err(FileError::NotAllowed) => ExitCode::from(NOT_ALLOWED),
        Err(_) => ExitCode::from(DAMAGED),
    }
}

fn limit(memory: u64) -> io::Result<()> {
    rustix::process::nice(NICENESS)?;
    let bytes = memory.saturating_add(OVERHEAD_BYTES);
    setrlimit(Resource::RLIMIT_DATA, bytes, bytes)?;
    setrlimit(Resource::RLIMIT_CPU, CPU_SECONDS_LIMIT, CPU_SECONDS_LIMIT)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    Ok(())
}

fn decode(folder: PathBuf) -> Result<(), FileError> {
    let temp_dir = TempDir::open(folder)?;
    let mut file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let header = inspect(&mut file, &DeclaredType::Unknown)?;
    let ProcessedFile { main, thumbnail, dimensions } = encode_file(file, &header, &temp_dir)?;
    let report = Report { main: Part::of(&main), thumbnail: thumbnail.as_ref().map(Part::of), dimensions };
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &report).map_err(io::Error::from)?;
    output.write_all(b"\n")?;
    for EncodedFile { mut file, .. } in std::iter::once(main).chain(thumbnail) {
        io::Seek::rewind(&mut file)?;
        io::copy(&mut file, &mut output)?;
    }
    output.flush()?;
    Ok(())
}
