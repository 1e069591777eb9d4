//! The embedded default: a private PostgreSQL cluster in Plaza's data folder, on a unix socket only.
//!
//! States of a folder: empty → `initdb` in a sibling folder, renamed when complete → stopped → running. The holder of the
//! lock file owns the folder; the lock ends with the process. A cluster left running by a killed Plaza is adopted.
//!
//! PostgreSQL refuses to run as root. Started as root, Plaza runs it as the `postgres` user, and where that user can't
//! reach the data folder the cluster lies in `/var/lib/plaza/<hash of the folder>`. The distribution's own cluster is
//! never touched.

mod binaries;
mod processes;
mod socket;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{User, geteuid};
use sha2::{Digest, Sha256};
use socket::socket_dir;

use binaries::Binaries;
use processes::{PID_FILE, ServerState, is_confirmed_server, is_pid_in_use, server_state, with_cwd, with_possible_cwd};

/// Log file of the server, and the size of the tail that errors are looked for in.
const LOG_FILE: &str = "postgres.log";
const LOG_TAIL_BYTES: usize = 8 << 10;

/// A failure, as a message for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EmbeddedError(String);

type EmbeddedResult<T> = Result<T, EmbeddedError>;

fn failure(what: &str, cause: impl std::fmt::Display) -> EmbeddedError {
    EmbeddedError(format!("{what}: {cause}"))
}

/// Where the cluster lives and how it is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Plaza's data folder; made when missing.
    pub data_dir: PathBuf,
    /// The folder of `initdb` and `postgres` (`PLAZA_PG_BIN`), where they are not to be searched for.
    pub bin_dir: Option<PathBuf>,
    /// Further lines for the server's configuration.
    pub extra_settings: String,
}

/// A running private cluster.
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    run_as: Option<User>,
    home: PathBuf,
    socket_dir: PathBuf,
    /// None for a cluster that another Plaza runs.
    lock: Option<File>,
}

/// Locks the folder while the file is open; none if another process holds it.
fn lock_folder(data_dir: &Path) -> EmbeddedResult<Option<File>> {
    let path = data_dir.join("plaza.lock");
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| failure(&format!("can't open {}", path.display()), error))?;
    if file.try_lock().is_err() {
        return Ok(None);
    }
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(Some(file))
}

impl Cluster {
    /// Makes the cluster where there is none, starts it where it isn't running, and makes the database `plaza`.
    ///
    /// Blocks; call it off the runtime's workers.
    ///
    /// # Errors
    /// With one sentence that says what to do: binaries missing, folder in use, no rights.
    pub fn start(options: &Options) -> EmbeddedResult<Self> {
        let cluster = Self::start_or_join(options)?;
        if cluster.lock.is_none() {
            return Err(EmbeddedError(format!(
                "another Plaza is running on {}; stop it, or give this one its own PLAZA_DATA_DIR",
                options.data_dir.display()
            )));
        }
        Ok(cluster)
    }

    /// As [`Cluster::start`], but where another Plaza runs on the folder, uses the cluster that it runs.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn start_or_join(options: &Options) -> EmbeddedResult<Self> {
        make_folder(&options.data_dir, if geteuid().is_root() { 0o755 } else { 0o700 })?;
        let data_dir =
            fs::canonicalize(&options.data_dir).map_err(|error| failure("can't resolve the data folder", error))?;
        let lock = lock_folder(&data_dir)?;
        let run_as = postgres_user()?;
        let home = cluster_home(&data_dir, run_as.as_ref())?;
        let version = fs::read_to_string(home.join("data/PG_VERSION")).ok();
        let binaries =
            Binaries::find(options.bin_dir.as_deref(), version.as_deref().map(str::trim)).map_err(EmbeddedError)?;
        let socket_dir = socket_dir(&home, run_as.as_ref())?;
        let cluster = Self { binaries, run_as, home, socket_dir, lock };
        if cluster.lock.is_none() {
            return Ok(cluster);
        }
        if version.is_none() {
            cluster.init()?;
        }
        cluster.write_settings(&options.extra_settings)?;
        cluster.launch()?;
        cluster.make_database()?;
        Ok(cluster)
    }

    /// The connection string of a database in this cluster, for the role that owns Plaza's tables.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_as("plaza", database)
    }

    /// The connection string for the cluster's superuser.
    #[must_use]
    pub fn superuser_url(&self) -> String {
        self.url_as("postgres", "postgres")
    }

    /// Restarts the server if it died; returns whether it did. No effect on a joined cluster.
    ///
    /// # Errors
    /// When it does not start, such as while processes of the old one still end.
    pub fn restart_if_dead(&self) -> EmbeddedResult<bool> {
        let data = self.data();
        match server_state(&data) {
            _ if self.lock.is_none() => return Ok(false),
            ServerState::Running => return Ok(false),
            ServerState::Gone => {}
            // PostgreSQL takes a zombie for a running server. The pid file may be removed once no process is left.
            ServerState::Zombie if !with_cwd(&data).is_empty() => {
                return Err(EmbeddedError("what is left of PostgreSQL still ends".to_owned()));
            }
            ServerState::Zombie => {
                let _ = fs::remove_file(data.join(PID_FILE));
            }
        }
        self.launch().map(|()| true)
    }

    /// Stops the server (fast shutdown) and waits. No effect on a joined cluster.
    ///
    /// # Errors
    /// When the server does not stop.
    pub fn stop(&self) -> EmbeddedResult<()> {
        if self.lock.is_none() {
            return Ok(());
        }
        self.run("pg_ctl", |command| command.args(["-m", "fast", "-w", "-t", "30", "stop", "-D"]).arg(self.data()))?;
        if !self.socket_dir.starts_with(&self.home) {
            let _ = fs::remove_dir_all(&self.socket_dir);
        }
        Ok(())
    }

    fn url_as(&self, user: &str, database: &str) -> String {
        let host = self.socket_dir.display().to_string().replace('\\', r"\\").replace('\'', r"\'");
        format!("host='{host}' user={user} dbname={database} application_name=plaza")
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn init(&self) -> EmbeddedResult<()> {
        let fresh = self.home.join("data.new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).map_err(|error| failure("can't remove a half-made cluster", error))?;
        }
        tracing::info!(folder = %self.home.display(), "creating a PostgreSQL cluster");
        self.run("initdb", |command| {
            command.args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "-D",
                "data.new",
            ])
        })?;
        let conf = fresh.join("postgresql.conf");
        let include = File::options().append(true).open(&conf).and_then(|mut file| {
            file.write_all(b"\n# Written by Plaza at every start.\ninclude_if_exists 'plaza.conf'\n")
        });
        include.map_err(|error| failure("can't write postgresql.conf", error))?;
        fs::rename(&fresh, self.data()).map_err(|error| failure("can't put the new cluster in place", error))
    }

    fn write_settings(&self, extra: &str) -> EmbeddedResult<()> {
        let socket_dir = self.socket_dir.display().to_string().replace('\'', "''");
        let settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{socket_dir}'\nmax_connections = 100\n\
             shared_buffers = 128MB\nmax_wal_size = 2GB\nlog_timezone = 'UTC'\ntimezone = 'UTC'\n{extra}\n"
        );
        let path = self.data().join("plaza.conf");
        fs::write(&path, settings).map_err(|error| failure("can't write plaza.conf", error))?;
        self.chown_to_server(&path)
    }

    fn launch(&self) -> EmbeddedResult<()> {
        if matches!(server_state(&self.data()), ServerState::Running) {
            tracing::info!("adopting a running PostgreSQL of a killed Plaza");
            return Ok(());
        }
        self.clear_pid_file()?;
        // Relative paths: pg_ctl passes them to a shell, which would interpret `$` and quotes in the folder's name.
        self.run("pg_ctl", |command| command.args(["-w", "-t", "60", "start", "-D", "data", "-l", LOG_FILE]))
            .map(|_| ())
            .map_err(|error| failure("PostgreSQL did not start", self.with_log(&error)))
    }

    /// Removes a stale pid file whose pid now belongs to another process, as PostgreSQL would refuse to start.
    fn clear_pid_file(&self) -> EmbeddedResult<()> {
        let (data, file) = (self.data(), self.data().join(PID_FILE));
        if !is_pid_in_use(&data) {
            return Ok(());
        }
        let processes = with_possible_cwd(&data);
        if !processes.is_empty() {
            return Err(EmbeddedError(format!(
                "processes of a killed PostgreSQL may still work in {}: {processes:?}; end them, or remove {} if they \
                 are of another cluster",
                data.display(),
                file.display()
            )));
        }
        tracing::warn!(file = %file.display(), "removing a stale PostgreSQL pid file");
        fs::remove_file(&file).map_err(|error| failure(&format!("can't remove {}", file.display()), error))
    }

    /// Adds the log file to a failure, and a full disk as its cause.
    fn with_log(&self, error: &EmbeddedError) -> EmbeddedError {
        let path = self.home.join(LOG_FILE);
        let log = fs::read(&path).unwrap_or_default();
        let tail = String::from_utf8_lossy(log.get(log.len().saturating_sub(LOG_TAIL_BYTES)..).unwrap_or_default());
        let cause = if is_disk_full(&error.0) || is_disk_full(&tail) {
            format!("the disk of {} is full: make room. ", self.home.display())
        } else {
            String::new()
        };
        EmbeddedError(format!("{cause}{error} (see {})", path.display()))
    }

    /// Creates role and database; retries, as an adopted server may be in recovery.
    fn make_database(&self) -> EmbeddedResult<()> {
        const SETUP: &str = "select 'create role plaza login' where not exists \
             (select from pg_roles where rolname = 'plaza') \\gexec\n\
             select 'create database plaza owner plaza' where not exists \
             (select from pg_database where datname = 'plaza') \\gexec\n";
        let script = self.home.join("setup.sql");
        fs::write(&script, SETUP).map_err(|error| failure("can't write setup.sql", error))?;
        self.chown_to_server(&script)?;
        let mut last = String::new();
        for _ in 0..100 {
            let made = self.run("psql", |command| {
                command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.superuser_url(), "-f"]).arg(&script)
            });
            match made {
                Ok(_) => return Ok(()),
                Err(error) => last = error.0,
            }
            if !matches!(server_state(&self.data()), ServerState::Running) {
                return Err(failure("the embedded PostgreSQL ended", self.with_log(&EmbeddedError(last))));
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        Err(failure(&self.no_answer_message(), self.with_log(&EmbeddedError(last))))
    }

    /// Message for a server that does not answer. If its identity is unknown, the pid may have been reused by another cluster.
    fn no_answer_message(&self) -> String {
        let (data, what) = (self.data(), "the embedded PostgreSQL doesn't answer".to_owned());
        if is_confirmed_server(&data) {
            return what;
        }
        let file = data.join(PID_FILE).display().to_string();
        format!("{what}; if the process that {file} names is another cluster's, remove that file")
    }

    /// Runs a PostgreSQL program as the cluster's user.
    fn run(&self, program: &str, arrange: impl FnOnce(&mut Command) -> &mut Command) -> EmbeddedResult<String> {
        let mut command = Command::new(self.binaries.path(program));
        arrange(&mut command);
        for name in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGSERVICE", "PGOPTIONS"] {
            command.env_remove(name);
        }
        command.current_dir(&self.home).stdin(Stdio::null()).env("LC_ALL", "C.UTF-8");
        become_user(&mut command, self.run_as.as_ref());
        let output = command.output().map_err(|error| failure(&format!("can't run {program}"), error))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let text = if output.stderr.is_empty() { output.stdout } else { output.stderr };
        let text = String::from_utf8_lossy(&text);
        let what = if is_disk_full(&text) { "failed, for the disk is full" } else { "failed" };
        Err(failure(&format!("{program} {what}"), text.trim()))
    }

    fn chown_to_server(&self, path: &Path) -> EmbeddedResult<()> {
        chown_to(path, self.run_as.as_ref())
    }
}

/// Whether an error message is about a full disk or quota.
fn is_disk_full(text: &str) -> bool {
    text.contains("No space left on device") || text.contains("Disk quota exceeded")
}

fn become_user(command: &mut Command, user: Option<&User>) {
    if let Some(user) = user {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw()).env("HOME", &user.dir).env("USER", &user.name);
    }
}

/// User to run PostgreSQL as; none (the own user) unless root.
fn postgres_user() -> EmbeddedResult<Option<User>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    match User::from_name("postgres") {
        Ok(Some(user)) => Ok(Some(user)),
        _ => Err(EmbeddedError(
            "PostgreSQL refuses to run as root and this machine has no user named postgres: \
             install PostgreSQL (apt-get install postgresql), start Plaza as another user, or set DATABASE_URL"
                .to_owned(),
        )),
    }
}

/// The cluster's folder: in the data folder, or in `/var/lib/plaza` if PostgreSQL's user can't access it.
fn cluster_home(data_dir: &Path, run_as: Option<&User>) -> EmbeddedResult<PathBuf> {
    let mut home = data_dir.join("postgres");
    if let Some(user) = run_as {
        let mut probe = Command::new("/bin/sh");
        probe.args(["-c", "cd -- \"$1\"", "sh"]).arg(data_dir).stderr(Stdio::null());
        become_user(&mut probe, Some(user));
        if !probe.status().is_ok_and(|status| status.success()) {
            make_folder(Path::new("/var/lib/plaza"), 0o755)?;
            home = Path::new("/var/lib/plaza").join(short_hash(data_dir));
        }
    }
    make_folder(&home, 0o700)?;
    chown_to(&home, run_as)?;
    Ok(home)
}

fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let first: [u8; 8] = std::array::from_fn(|index| digest.get(index).copied().unwrap_or_default());
    format!("{:016x}", u64::from_be_bytes(first))
}

fn make_folder(path: &Path, mode: u32) -> EmbeddedResult<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .map_err(|error| failure(&format!("can't make the folder {}", path.display()), error))
}

fn chown_to(path: &Path, user: Option<&User>) -> EmbeddedResult<()> {
    let Some(user) = user else { return Ok(()) };
    chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
        .map_err(|error| failure(&format!("can't give {} to {}", path.display(), user.name), error))
}
