//! Which processes are a cluster's server, as far as the system tells. Looks without starting a program, so that it can be
//! done often.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// In which a server names its first process.
pub(super) const PID_FILE: &str = "postmaster.pid";

/// What PostgreSQL's processes are called.
const PROGRAM: &str = "postgres";

/// The system's error for a process that is no more.
const NO_PROCESS: i32 = nix::errno::Errno::ESRCH as i32;

/// What became of a server's first process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerState {
    Running,
    Gone,
    /// A zombie: its parent has not waited for it. Containers without an init process leave such.
    Unburied,
}

/// The state of the server of a data folder.
pub(super) fn server_state(data: &Path) -> ServerState {
    let Some(pid) = first_process(data) else { return ServerState::Gone };
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    match stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(") ")) {
        Some((PROGRAM, rest)) if rest.starts_with('Z') => ServerState::Unburied,
        // The number may have become another cluster's.
        Some((PROGRAM, _)) if works_in(pid, data) != Some(false) => ServerState::Running,
        _ => ServerState::Gone,
    }
}

/// Whether any process, or a thread of one, has the number in the pid file.
pub(super) fn is_taken(data: &Path) -> bool {
    first_process(data).is_some_and(|pid| Path::new(&format!("/proc/{pid}")).exists())
}

/// Whether the process in the pid file is seen to work in the folder.
pub(super) fn is_shown_to_work(data: &Path) -> bool {
    first_process(data).is_some_and(|pid| works_in(pid, data) == Some(true))
}

fn first_process(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join(PID_FILE)).ok()?.lines().next()?.trim().parse().ok()
}

/// Whether a process works in a folder, as all of PostgreSQL's do in their data; none when the system does not tell, as
/// root is not told in some containers. Folders are compared by their number on the disk: links and mounts give one many
/// names.
fn works_in(pid: u32, folder: &Path) -> Option<bool> {
    let folder = fs::metadata(folder).ok()?;
    match fs::metadata(format!("/proc/{pid}/cwd")) {
        Ok(cwd) => Some((cwd.dev(), cwd.ino()) == (folder.dev(), folder.ino())),
        // A zombie works nowhere, nor does a process that ended meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(NO_PROCESS) => Some(false),
        Err(_) => None,
    }
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The processes that work in a folder.
pub(super) fn working_in(folder: &Path) -> Vec<u32> {
    processes().filter(|pid| works_in(*pid, folder) == Some(true)).collect()
}

/// The processes that work in a folder, and PostgreSQL's of which the system does not tell where they do.
pub(super) fn perhaps_working_in(folder: &Path) -> Vec<u32> {
    let is_server = |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == PROGRAM);
    processes().filter(|pid| works_in(*pid, folder).unwrap_or_else(|| is_server(*pid))).collect()
}
