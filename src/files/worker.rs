//! A picture is decoded in a process of its own, which may take so much memory and time and no more: whatever a crafted
//! file does to a decoder, it does there. The server starts itself once more for it, as `plaza picture`; the file is its
//! standard input, and what became of it its standard output: a line that says what, then the bytes.

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

use super::sink::Sink;
use super::workshop::Spool;
use super::{Header, Made, Processed, Refused, Said, inspect, kind, make};

/// Seconds of a processor that one picture may take.
const SECONDS: u64 = 10;

/// How long one picture may take, a process that stands still or hardly gets a processor included.
pub const TIMEOUT: Duration = Duration::from_mins(1);

/// Bytes beyond what a picture's header says, for everything else.
const SLACK: u64 = 40 << 20;

/// How far behind the server it stands where both want the processor.
const NICENESS: i32 = 5;

/// The longest first line.
const LINE: u64 = 1024;

/// Exit codes; whatever else ends the process was too much for it.
const DAMAGED: u8 = 3;
const STORED_TOO_LARGE: u8 = 4;
const TOO_MUCH_MEMORY: u8 = 5;
const NOT_ALLOWED: u8 = 6;
const FAILED: u8 = 7;

/// A panic's.
const PANICKED: i32 = 101;

/// The first line.
#[derive(Serialize, Deserialize)]
struct Report {
    main: Part,
    thumbnail: Option<Part>,
    dimensions: Option<(u32, u32)>,
}

/// Of the bytes that follow.
#[derive(Serialize, Deserialize)]
struct Part {
    content_type: String,
    size: u64,
}

impl Part {
    fn of(made: &Made) -> Self {
        Self { content_type: made.kind.content_type.into(), size: made.size }
    }
}

/// The program that decodes a picture, and how long it may take.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Its path.
    pub program: PathBuf,
    /// After this it is killed.
    pub timeout: Duration,
}

/// Has a picture decoded and encoded anew by a process of its own, and waits for it.
///
/// # Errors
/// Why the picture is refused, or that no process could be started.
pub fn hire(decoder: &Decoder, file: File, header: &Header, spool: &Spool) -> Result<Processed, Refused> {
    let mut child = Command::new(&decoder.program)
        .arg("picture")
        .arg(header.memory.to_string())
        .arg(spool.folder())
        .env_clear()
        // The allocator would take a gigabyte at once, and give out of that without being asked.
        .env("MIMALLOC_ARENA_RESERVE", "0")
        .stdin(Stdio::from(file))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let output = child.stdout.take().ok_or_else(|| io::Error::other("the picture's process has no output"))?;
    let within = within(decoder.timeout, &child, |child| {
        let read = read_result(&mut BufReader::new(output), spool);
        if !is_own_fault(&read) {
            // Its end is only seen here: its id stays taken until it is waited for below.
            let _ = waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        }
        read
    });
    let read = within.unwrap_or_else(|error| Err(error.into()));
    // What it writes is not read any more; its own end says more of an output that merely ends early.
    if is_own_fault(&read) {
        let _ = child.kill();
        child.wait()?;
        return read;
    }
    let status = child.wait()?;
    match (status.code(), read) {
        (Some(0), processed) => processed,
        (Some(code), _) if code == i32::from(DAMAGED) || code == PANICKED => Err(Refused::Damaged),
        (Some(code), _) if code == i32::from(STORED_TOO_LARGE) => Err(Refused::StoredTooLarge),
        (Some(code), _) if code == i32::from(NOT_ALLOWED) => Err(Refused::NotAllowed),
        (Some(code), _) if code == i32::from(FAILED) => Err(io::Error::other("the picture's process failed").into()),
        // By a signal: its time or its memory was over.
        _ => Err(Refused::TooMuchMemory),
    }
}

/// Whether reading failed for another reason than that there was nothing more to read.
fn is_own_fault(read: &Result<Processed, Refused>) -> bool {
    !matches!(read, Err(Refused::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof) && read.is_err()
}

/// Kills a process that has not ended in time; what is read from it then ends.
///
/// # Errors
/// When there is no thread to watch it; then nothing is done.
fn within<T>(timeout: Duration, child: &Child, work: impl FnOnce(Pid) -> T) -> io::Result<T> {
    let pid = Pid::from_child(child);
    let (done, over) = channel::<()>();
    thread::scope(|scope| {
        let watch = move || {
            if over.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
                let _ = kill_process(pid, Signal::KILL);
            }
        };
        thread::Builder::new().spawn_scoped(scope, watch)?;
        let result = work(pid);
        drop(done);
        Ok(result)
    })
}

fn read_result(output: &mut impl BufRead, spool: &Spool) -> Result<Processed, Refused> {
    let mut line = String::new();
    output.by_ref().take(LINE).read_line(&mut line)?;
    let cut = || Refused::Io(io::ErrorKind::UnexpectedEof.into());
    let report: Report = serde_json::from_str(&line).map_err(|_| cut())?;
    let mut part = |Part { content_type, size }: Part| {
        let kind = kind::by_name(&content_type).ok_or(Refused::NotAllowed)?;
        let mut sink = Sink::new(spool)?;
        io::copy(&mut output.by_ref().take(size), &mut sink).map_err(Refused::from_write)?;
        let made = sink.finish(kind)?;
        (made.size == size).then_some(made).ok_or_else(cut)
    };
    let main = part(report.main)?;
    let thumbnail = report.thumbnail.map(part).transpose()?;
    Ok(Processed { main, thumbnail, dimensions: report.dimensions })
}

/// The process itself. `memory` is what decoding the picture takes, `folder` where its temporary files go.
#[must_use]
pub fn work(memory: u64, folder: PathBuf) -> ExitCode {
    let done = limit(memory).map_err(Refused::Io).and_then(|()| decode(folder));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Refused::Io(_)) => ExitCode::from(FAILED),
        Err(Refused::StoredTooLarge) => ExitCode::from(STORED_TOO_LARGE),
        Err(Refused::TooMuchMemory) => ExitCode::from(TOO_MUCH_MEMORY),
        Err(Refused::NotAllowed) => ExitCode::from(NOT_ALLOWED),
        Err(_) => ExitCode::from(DAMAGED),
    }
}

fn limit(memory: u64) -> io::Result<()> {
    // Whoever waits for an answer or a message goes first.
    rustix::process::nice(NICENESS)?;
    let bytes = memory.saturating_add(SLACK);
    setrlimit(Resource::RLIMIT_DATA, bytes, bytes)?;
    setrlimit(Resource::RLIMIT_CPU, SECONDS, SECONDS)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    Ok(())
}

fn decode(folder: PathBuf) -> Result<(), Refused> {
    let spool = Spool::open(folder)?;
    let mut file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let header = inspect(&mut file, &Said::Nothing)?;
    let Processed { main, thumbnail, dimensions } = make(file, &header, &spool)?;
    let report = Report { main: Part::of(&main), thumbnail: thumbnail.as_ref().map(Part::of), dimensions };
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &report).map_err(io::Error::from)?;
    output.write_all(b"\n")?;
    for Made { mut file, .. } in std::iter::once(main).chain(thumbnail) {
        io::Seek::rewind(&mut file)?;
        io::copy(&mut file, &mut output)?;
    }
    output.flush()?;
    Ok(())
}
