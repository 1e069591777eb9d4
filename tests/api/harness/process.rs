//! The built binary as a process: started, spoken to, killed.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::Method;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use super::{WAIT_TIMEOUT, cluster, http};

/// What the processes sign access tokens with.
pub const SECRET: &str = "a secret of the tests, long enough";

/// What a start under callgrind may take, which is some fifty times as slow, beside other tests.
const CALLGRIND_START_TIMEOUT: Duration = Duration::from_mins(4);

/// A serving `plaza`.
pub struct Process {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took to be ready.
    pub took: Duration,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// The command, with no settings but these.
#[expect(clippy::disallowed_methods, reason = "PATH is no setting of Plaza's")]
pub fn command(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaza"));
    command.env_clear().env("PATH", std::env::var("PATH").unwrap_or_default()).envs(settings.iter().copied());
    command
}

/// Runs a command of `plaza` to its end.
pub async fn output(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let run = command(settings).args(arguments).stdin(Stdio::null()).output();
    tokio::time::timeout(WAIT_TIMEOUT, run).await.expect("it ends").expect("it runs")
}

/// A port that is free just now.
pub fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free")
}

/// KiB of memory that a process holds.
pub fn resident_kib(process: u32) -> u64 {
    status_kib(process, "VmRSS:")
}

/// KiB of memory that a process holds with those that it decodes pictures in.
pub fn resident_with_pictures_kib(process: u32) -> u64 {
    let parent = format!("PPid:\t{process}\n");
    let others = std::fs::read_dir("/proc").expect("Linux says so").filter_map(|entry| {
        let folder = entry.ok()?.path();
        // Those that end meanwhile can't be read.
        let arguments = std::fs::read_to_string(folder.join("cmdline")).ok()?;
        let status = std::fs::read_to_string(folder.join("status")).ok()?;
        (arguments.contains("\0picture\0") && status.contains(&parent)).then(|| kib(&status, "VmRSS:")).flatten()
    });
    resident_kib(process) + others.sum::<u64>()
}

fn status_kib(process: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process lives");
    kib(&status, name).expect("Linux says so")
}

fn kib(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

impl Process {
    /// Starts `plaza serve` on a database of the tests' cluster and waits until it is ready.
    pub async fn on_database(url: &str) -> Self {
        Self::with(&[("DATABASE_URL", url), ("PLAZA_JWT_SECRET", SECRET)]).await
    }

    /// Starts `plaza serve` with its own cluster in a folder.
    pub async fn on_folder(folder: &Path, address: SocketAddr) -> Self {
        let folder = folder.display().to_string();
        Self::with(&[("PLAZA_DATA_DIR", &folder), ("PLAZA_BIND", &address.to_string())]).await
    }

    /// Starts `plaza serve` with these settings and waits until it is ready.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::spawn(command(settings)).await
    }

    /// Starts `plaza serve` on a database of the tests' cluster under callgrind, which counts what functions cost. All
    /// requests are answered by one thread, as counts are reset and written for the thread that does so.
    pub async fn under_callgrind(url: &str, functions: &[&str], profile: &Path) -> Self {
        let plaza = command(&[("DATABASE_URL", url), ("PLAZA_JWT_SECRET", SECRET), ("TOKIO_WORKER_THREADS", "1")]);
        let plaza = plaza.as_std();
        let mut command = Command::new("valgrind");
        command.env_clear().envs(plaza.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.args(["--tool=callgrind", "--vgdb=no", "--quiet", "--fair-sched=yes"]);
        command.args(functions.iter().map(|function| format!("--toggle-collect={function}")));
        command.arg("--zero-before=plaza::http::health::ready").arg("--dump-before=plaza::http::health::alive");
        command.arg(format!("--callgrind-out-file={}", profile.display())).arg(plaza.get_program()).arg("serve");
        Self::spawn_within(command, CALLGRIND_START_TIMEOUT).await
    }

    async fn probe(&self, path: &str) {
        assert_eq!(http::send(self.address, Method::GET, path, &[], "").await.status, 200, "{path}");
    }

    /// Counts from nothing, under callgrind.
    pub async fn reset_counts(&self) {
        self.probe("/readyz").await;
    }

    /// Has callgrind write what it counted: the first time into the file with the suffix `.1`, and so on.
    pub async fn write_counts(&self) {
        self.probe("/healthz").await;
    }

    /// Starts `plaza serve` as the user nobody, with its own cluster in a folder of theirs. For root alone.
    pub async fn as_nobody(folder: &Path) -> Self {
        let nobody = User::from_name("nobody").expect("users can be looked up").expect("there is a nobody");
        // The build's folder may be closed to others.
        std::fs::create_dir_all(folder).expect("the folder is ours");
        let binary = folder.join("plaza");
        std::fs::copy(env!("CARGO_BIN_EXE_plaza"), &binary).expect("the binary is built");
        chown(folder, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).expect("root gives away");
        let mut command = Command::new(binary);
        let data = folder.join("data").display().to_string();
        command.env_clear().env("PLAZA_DATA_DIR", data).current_dir(folder);
        command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
        Self::spawn(command).await
    }

    async fn spawn(command: Command) -> Self {
        Self::spawn_within(command, WAIT_TIMEOUT).await
    }

    async fn spawn_within(mut command: Command, timeout: Duration) -> Self {
        let start = Instant::now();
        let is_set = |command: &Command, wanted: &str| command.as_std().get_envs().any(|(name, _)| name == wanted);
        if !is_set(&command, "PLAZA_BIND") {
            command.env("PLAZA_BIND", "127.0.0.1:0");
        }
        if !is_set(&command, "PLAZA_DATA_DIR") {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let folder = format!("process-{}", COUNT.fetch_add(1, Ordering::Relaxed));
            command.env("PLAZA_DATA_DIR", cluster().folder(&folder));
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary is built");
        cluster().register_process(child.id().expect("it runs"));
        let mut lines = BufReader::new(child.stdout.take().expect("its output is ours")).lines();
        let ready = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(rest) = line.trim().strip_prefix("GraphQL") {
                    return rest.trim().trim_start_matches("http://").trim_end_matches("/graphql").parse().ok();
                }
            }
            None
        };
        let address = tokio::time::timeout(timeout, ready).await.expect("it is ready in time");
        let Some(address) = address else {
            let mut text = String::new();
            let _ = child.stderr.take().expect("its errors are ours").read_to_string(&mut text).await;
            panic!("plaza did not start: {text}");
        };
        // A full pipe stops the process, and a closed one makes it fail.
        let mut errors = BufReader::new(child.stderr.take().expect("its errors are ours")).lines();
        let id = child.id().unwrap_or_default();
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let log = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = errors.next_line().await {
                eprintln!("plaza {id}: {line}");
                written.lock().expect("no thread panics while it holds the lock").push(line);
            }
        });
        Self { child, log, address, took: start.elapsed() }
    }

    /// The lines of its log so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().expect("no thread panics while it holds the lock").clone()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        if let Some(id) = self.child.id() {
            let _ = kill(Pid::from_raw(i32::try_from(id).expect("a process id")), signal);
        }
    }

    /// Kills it as a power cut would, and waits until it is gone.
    pub async fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait().await;
    }

    /// Asks it to end and returns how it did, and how long that took.
    pub async fn terminate(mut self) -> (Option<i32>, Duration) {
        let start = Instant::now();
        self.signal(Signal::SIGTERM);
        let status = tokio::time::timeout(WAIT_TIMEOUT, self.child.wait()).await.expect("it ends").expect("it is ours");
        (status.code(), start.elapsed())
    }

    /// A figure of its `/metrics`.
    pub async fn metric(&self, name: &str) -> f64 {
        let request = http::client().get(format!("http://{}/metrics", self.address));
        let text = request.send().await.expect("it answers").text().await;
        let text = text.expect("the answer is whole");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().expect("a number")
    }
}
