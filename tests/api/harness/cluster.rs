//! One PostgreSQL cluster for the whole run, by the module that Plaza itself uses.
//!
//! Its data lies in memory where there is room, since each test's database is some five hundred small files that live
//! for a second. A [`TestDatabase`] is dropped with the test that it was made for.
//!
//! A watchdog process ends what the tests started and removes their folder once this process is gone, however it went:
//! it waits for the end of a pipe that only this process holds. What a run left whose watchdog was killed as well is swept
//! by the next one.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, mpsc};
use std::thread;

use plaza::db::embedded::{Cluster, Options};
use plaza::db::migrate;
use tokio::sync::OnceCell;
use tokio_postgres::NoTls;

/// Where a run's folder lies; the cluster's data lies in memory where there is room.
const DISK: &str = "/tmp";
const MEMORY: &str = "/dev/shm";

/// Each run's folders are called so, and by its process.
const PREFIX: &str = "plaza-test-";

/// What the cluster's data may take at most, the largest tests' with it, and what the machine keeps beside it.
const DATA_BYTES: u64 = 3 << 30;
const SPARE_BYTES: u64 = 1 << 30;

/// Nothing has to survive, and what is written is bounded: it may lie in memory.
const SETTINGS: &str = "fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 256MB
min_wal_size = 80MB
max_connections = 300
shared_buffers = 256MB";

/// What tests' databases are copies of.
const TEMPLATE: &str = "plaza_template";

/// The run's cluster.
pub struct TestCluster {
    folder: PathBuf,
    data_dir: PathBuf,
    cluster: Cluster,
    template: OnceCell<()>,
    dropped: mpsc::Sender<String>,
    _watchdog: ChildStdin,
}

static CLUSTER: LazyLock<TestCluster> = LazyLock::new(|| {
    sweep();
    let folder = run_folder(DISK);
    let data_dir = if has_room_in_memory() { run_folder(MEMORY) } else { folder.clone() };
    let watchdog = watch(&folder, &data_dir);
    std::fs::create_dir_all(&folder).expect("the folder is ours");
    let options = Options { data_dir: data_dir.clone(), bin_dir: None, extra_settings: SETTINGS.into() };
    let cluster = Cluster::start(&options).expect("the tests' cluster starts");
    let dropped = drop_databases(cluster.superuser_url());
    TestCluster { folder, data_dir, cluster, template: OnceCell::new(), dropped, _watchdog: watchdog }
});

fn run_folder(parent: &str) -> PathBuf {
    Path::new(parent).join(format!("{PREFIX}{}", std::process::id()))
}

/// Whether the cluster's data fits into memory. Containers often have a few megabytes of it for files.
fn has_room_in_memory() -> bool {
    let free = rustix::fs::statvfs(MEMORY).map_or(0, |about| about.f_bavail * about.f_frsize);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = memory.lines().find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB"));
    let available = available.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) << 10;
    free >= DATA_BYTES && available >= DATA_BYTES + SPARE_BYTES
}

/// Drops databases one after the other, on a thread of its own.
fn drop_databases(url: String) -> mpsc::Sender<String> {
    let (sender, receiver) = mpsc::channel::<String>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime is built");
    thread::spawn(move || {
        for name in receiver {
            // What is not dropped goes with the cluster.
            let _ = runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
                tokio::spawn(connection);
                client.batch_execute(&format!("drop database {name} with (force)")).await
            });
        }
    });
    sender
}

/// A migrated database, dropped with this value.
pub struct TestDatabase {
    name: String,
    /// The connection string for the role that owns it.
    pub url: String,
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let _ = CLUSTER.dropped.send(std::mem::take(&mut self.name));
    }
}

fn database_of(url: &str) -> &str {
    url.split("dbname=").nth(1).and_then(|rest| rest.split(' ').next()).expect("a url names a database")
}

/// The run's cluster, started when first asked for.
pub fn cluster() -> &'static TestCluster {
    &CLUSTER
}

/// Ends what was started from a folder and removes it, once there is nothing more to read.
const CLEAN_UP: &str = r#"
    trap '' INT TERM HUP
    read -r _
    for folder in "$@"; do
        for pid in $(cat "$folder/processes" 2>/dev/null); do
            case $(readlink "/proc/$pid/exe") in */plaza) kill -KILL "$pid" ;; esac
        done
        for file in "$folder"/postgres/data/postmaster.pid "$folder"/*/postgres/data/postmaster.pid; do
            pid=$(head -n 1 "$file" 2>/dev/null)
            case $(readlink "/proc/$pid/exe") in */postgres) kill -QUIT "$pid" ;; *) continue ;; esac
            while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
        done
        rm -rf "$folder"
    done
"#;

fn cleaner(folders: &[&Path]) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", CLEAN_UP, "plaza-test-watchdog"]).args(folders).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[expect(clippy::zombie_processes, reason = "it outlives this process on purpose")]
fn watch(folder: &Path, data_dir: &Path) -> ChildStdin {
    let mut child = cleaner(&[folder, data_dir]).stdin(Stdio::piped()).spawn().expect("a shell runs");
    let mut pipe = child.stdin.take().expect("the pipe is ours");
    pipe.flush().expect("the pipe is open");
    pipe
}

/// Removes the folders of runs that are over, whose watchdogs are too.
fn sweep() {
    let is_running = |pid: &str| {
        std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.to_string_lossy().contains("/deps/api-"))
    };
    for entry in [DISK, MEMORY].into_iter().filter_map(|parent| std::fs::read_dir(parent).ok()).flatten().flatten() {
        if let Some(pid) = entry.file_name().to_str().and_then(|name| name.strip_prefix(PREFIX))
            && !is_running(pid)
        {
            cleaner(&[&entry.path()]).stdin(Stdio::null()).status().expect("a shell runs");
        }
    }
}

impl TestCluster {
    /// A folder for a test's own things, gone after the run.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Registers a child process, which the watchdog ends should this process die first.
    pub fn register_process(&self, process: u32) {
        let mut file =
            File::options().create(true).append(true).open(self.folder.join("processes")).expect("the folder is ours");
        writeln!(file, "{process}").expect("the folder has room");
    }

    /// A connection string for a database of this name, for the role that owns it.
    pub fn url(&self, database: &str) -> String {
        self.cluster.url(database)
    }

    async fn superuser(&self) -> tokio_postgres::Client {
        let (client, connection) =
            tokio_postgres::connect(&self.cluster.superuser_url(), NoTls).await.expect("the cluster answers");
        tokio::spawn(connection);
        client
    }

    /// An empty database.
    pub async fn empty_database(&self) -> String {
        self.database_with("").await
    }

    /// An empty database made in some way.
    pub async fn database_with(&self, options: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("empty_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let sql = format!("create database {name} owner plaza {options}");
        self.superuser().await.batch_execute(&sql).await.expect("a database is made");
        self.url(&name)
    }

    /// A migrated database whose every statement's plan is written to the server's log.
    pub async fn explained_database(&self) -> String {
        let url = self.database().await;
        for setting in ["session_preload_libraries = 'auto_explain'", "auto_explain.log_min_duration = 0"] {
            self.alter_database(&url, setting).await;
        }
        url
    }

    /// Sets what holds for all who connect to a database from now on.
    pub async fn alter_database(&self, url: &str, setting: &str) {
        let name = database_of(url);
        let superuser = self.superuser().await;
        superuser
            .batch_execute(&format!("load 'auto_explain'; alter database {name} set {setting}"))
            .await
            .expect("a superuser may");
        // Several databases are explained at the same time: see `log_of`.
        for sql in ["alter system set log_line_prefix = '%m [%p] %d '", "select pg_reload_conf()"] {
            superuser.batch_execute(sql).await.expect("a superuser may");
        }
    }

    /// The server's process id.
    pub fn server(&self) -> u32 {
        let file = std::fs::read_to_string(self.data_dir.join("postgres/data/postmaster.pid"));
        let id = file.ok().and_then(|text| text.lines().next()?.trim().parse().ok());
        id.expect("the server runs")
    }

    /// What the server has written.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data_dir.join("postgres/postgres.log")).expect("the server writes a log")
    }

    /// What the server has written of the database of a url.
    pub fn log_of(&self, url: &str) -> String {
        let name = format!("] {} ", database_of(url));
        let mut is_of_it = false;
        let log = self.log();
        let lines = log.split_inclusive('\n').filter(|line| {
            if !line.starts_with('\t') {
                is_of_it = line.contains(&name);
            }
            is_of_it
        });
        lines.collect()
    }

    /// A migrated database, dropped with the value.
    pub async fn migrated(&self) -> TestDatabase {
        let name = self.copy().await;
        TestDatabase { url: self.url(&name), name }
    }

    /// A migrated database that stays until the end of the run.
    pub async fn database(&self) -> String {
        self.url(&self.copy().await)
    }

    async fn copy(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        self.template
            .get_or_init(|| async {
                let client = self.superuser().await;
                let sql = format!("create database {TEMPLATE} owner plaza");
                client.batch_execute(&sql).await.expect("the template is made");
                migrate::run(&self.url(TEMPLATE)).await.expect("the template is migrated");
            })
            .await;
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        // Files are copied as they are; by default every page would go through the log.
        let sql = format!("create database {name} template {TEMPLATE} owner plaza strategy file_copy");
        self.superuser().await.batch_execute(&sql).await.expect("the database is made");
        name
    }
}
