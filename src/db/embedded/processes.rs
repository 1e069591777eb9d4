//! Detects a cluster's server processes through `/proc`, cheap enough for polling.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The file with the pid of the postmaster.
pub(super) const PID_FILE: &str = "postmaster.pid";

/// Process name (`comm`) of PostgreSQL.
const PROCESS_NAME: &str = "postgres";

/// Error for a process that ended.
const ESRCH: i32 = nix::errno::Errno::ESRCH as i32;

/// State of the postmaster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerState {
    Running,
    Gone,
    /// Not reaped by its parent, as in containers without an init process.
    Zombie,
}

/// The state of the server of a data folder.
pub(super) fn server_state(data: &Path) -> ServerState {
    let Some(pid) = first_process(data) else { return ServerState::Gone };
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    match stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(") ")) {
        Some((PROCESS_NAME, rest)) if rest.starts_with('Z') => ServerState::Zombie,
        // The pid may have been reused by another cluster.
        Some((PROCESS_NAME, _)) if has_cwd(pid, data) != Some(false) => ServerState::Running,
        _ => ServerState::Gone,
    }
}

/// Whether the pid in the pid file is in use, by any process or thread.
pub(super) fn is_pid_in_use(data: &Path) -> bool {
    first_process(data).is_some_and(|pid| Path::new(&format!("/proc/{pid}")).exists())
}

/// Whether the process in the pid file provably runs in the folder.
pub(super) fn is_confirmed_server(data: &Path) -> bool {
    first_process(data).is_some_and(|pid| has_cwd(pid, data) == Some(true))
}

fn first_process(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join(PID_FILE)).ok()?.lines().next()?.trim().parse().ok()
}

/// Whether the working directory of a process is a folder, as of all server processes; none if unreadable, as for root in
/// some containers. Compared by inode, as links and mounts give one folder several paths.
fn has_cwd(pid: u32, folder: &Path) -> Option<bool> {
    let folder = fs::metadata(folder).ok()?;
    match fs::metadata(format!("/proc/{pid}/cwd")) {
        Ok(cwd) => Some((cwd.dev(), cwd.ino()) == (folder.dev(), folder.ino())),
        // A zombie, or ended meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(ESRCH) => Some(false),
        Err(_) => None,
    }
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Processes with this working directory.
pub(super) fn with_cwd(folder: &Path) -> Vec<u32> {
    processes().filter(|pid| has_cwd(*pid, folder) == Some(true)).collect()
}

/// Processes with this working directory, and PostgreSQL processes whose directory is unreadable.
pub(super) fn with_possible_cwd(folder: &Path) -> Vec<u32> {
    let is_server =
        |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == PROCESS_NAME);
    processes().filter(|pid| has_cwd(*pid, folder).unwrap_or_else(|| is_server(*pid))).collect()
}
