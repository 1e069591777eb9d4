//! One PostgreSQL cluster for the whole run, by the module that Plaza itself uses.
//!
//! A watchdog process ends what the tests started and removes their folder once this process is gone, however it went:
//! it waits for the end of a pipe that only this process holds. What a run left whose watchdog was killed as well is swept
//! by the next one.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use plaza::db::embedded::{Cluster, Options};
use plaza::db::migrate;
use tokio::sync::OnceCell;
use tokio_postgres::NoTls;

/// Each run's folder is called so, and by its process.
const FOLDER: &str = "/tmp/plaza-test-";

const TEMPLATE: &str = "plaza_template";

/// The run's cluster.
pub struct TestCluster {
    folder: PathBuf,
    cluster: Cluster,
    template: OnceCell<()>,
    _watchdog: ChildStdin,
}

static CLUSTER: LazyLock<TestCluster> = LazyLock::new(|| {
    sweep();
    let data_dir = PathBuf::from(format!("{FOLDER}{}", std::process::id()));
    let watchdog = watch(&data_dir);
    let options = Options {
        data_dir,
        bin_dir: None,
        extra_settings: "fsync = off\nfull_page_writes = off\nmax_connections = 300\nshared_buffers = 256MB".into(),
    };
    let folder = options.data_dir.clone();
    let cluster = Cluster::start(&options).expect("the tests' cluster starts");
    TestCluster { folder, cluster, template: OnceCell::new(), _watchdog: watchdog }
});

/// The run's cluster, started when first asked for.
pub fn cluster() -> &'static TestCluster {
    &CLUSTER
}

/// Ends what was started from a folder and removes it, once there is nothing more to read.
const CLEAN_UP: &str = r#"
    trap '' INT TERM HUP
    read -r _
    for pid in $(cat "$1/processes" 2>/dev/null); do
        case $(readlink "/proc/$pid/exe") in */plaza) kill -KILL "$pid" ;; esac
    done
    for file in "$1"/postgres/data/postmaster.pid "$1"/*/postgres/data/postmaster.pid; do
        pid=$(head -n 1 "$file" 2>/dev/null)
        case $(readlink "/proc/$pid/exe") in */postgres) kill -QUIT "$pid" ;; *) continue ;; esac
        while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    done
    rm -rf "$1"
"#;

fn cleaner(data_dir: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", CLEAN_UP, "plaza-test-watchdog"]).arg(data_dir).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[expect(clippy::zombie_processes, reason = "it outlives this process on purpose")]
fn watch(data_dir: &Path) -> ChildStdin {
    let mut child = cleaner(data_dir).stdin(Stdio::piped()).spawn().expect("a shell runs");
    let mut pipe = child.stdin.take().expect("the pipe is ours");
    pipe.flush().expect("the pipe is open");
    pipe
}

/// Removes the folders of runs that are over, whose watchdogs are too.
fn sweep() {
    let is_running = |pid: &str| {
        std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.to_string_lossy().contains("/deps/api-"))
    };
    for entry in std::fs::read_dir("/tmp").expect("there is a folder for what is temporary").flatten() {
        let path = entry.path();
        if let Some(pid) = path.to_str().and_then(|path| path.strip_prefix(FOLDER))
            && !is_running(pid)
        {
            cleaner(&path).stdin(Stdio::null()).status().expect("a shell runs");
        }
    }
}

impl TestCluster {
    /// A folder for a test's own things, gone after the run.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Has the watchdog end a process that this one would leave behind.
    pub fn answer_for(&self, process: u32) {
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
        let url = self.empty_database().await;
        migrate::run(&url).await.expect("it is migrated");
        let name = url.split("dbname=").nth(1).and_then(|rest| rest.split(' ').next()).expect("a url names a database");
        for setting in ["session_preload_libraries = 'auto_explain'", "auto_explain.log_min_duration = 0"] {
            let sql = format!("load 'auto_explain'; alter database {name} set {setting}");
            self.superuser().await.batch_execute(&sql).await.expect("a superuser may");
        }
        url
    }

    /// What the server has written.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("postgres/postgres.log")).expect("the server writes a log")
    }

    /// A migrated database of one's own.
    pub async fn database(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let client = self.superuser().await;
        self.template
            .get_or_init(|| async {
                let sql = format!("create database {TEMPLATE} owner plaza");
                client.batch_execute(&sql).await.expect("the template is made");
                migrate::run(&self.url(TEMPLATE)).await.expect("the template is migrated");
            })
            .await;
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let sql = format!("create database {name} template {TEMPLATE} owner plaza");
        client.batch_execute(&sql).await.expect("the database is made");
        self.url(&name)
    }
}
