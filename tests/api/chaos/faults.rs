//! The faults: the server is killed and PostgreSQL is stopped. And the observer that audits snapshots meanwhile.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use plaza::db::embedded::{Cluster, Options};
use serde_json::json;

use super::Scale;
use super::state::Workload;
use crate::harness::money::document;
use crate::harness::process::{Process, free_port};
use crate::harness::{WAIT_TIMEOUT, cluster, post, until};

/// Between two snapshots of the observer.
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(300);

/// A server with its own PostgreSQL, to inject faults into.
pub struct FaultyServer {
    folder: PathBuf,
    process: Process,
    /// Where it listens, the same after each restart.
    pub address: SocketAddr,
}

/// How long recovery from each fault took.
#[derive(Default)]
pub struct RecoveryTimes {
    /// From the kill of the server until its successor is ready.
    restarts: Vec<Duration>,
    /// From the end of PostgreSQL until it answers again, and from then until the server does.
    outages: Vec<(Duration, Duration)>,
}

impl fmt::Display for RecoveryTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the server was killed {} times, and ready again after {:.1?}; ",
            self.restarts.len(),
            self.restarts
        )?;
        write!(f, "PostgreSQL was stopped {} times, and back after", self.outages.len())?;
        for (database, server) in &self.outages {
            write!(f, " {database:.1?}, the server {server:.1?} later;")?;
        }
        Ok(())
    }
}

impl RecoveryTimes {
    /// Fails if a recovery took too long.
    pub fn check(&self) {
        for (database, server) in &self.outages {
            assert!(*database < WAIT_TIMEOUT, "PostgreSQL was away for {database:?}");
            assert!(*server < Duration::from_secs(5), "the server served {server:?} after PostgreSQL did");
        }
    }
}

/// Starts the server: the review of submitted tasks ends within its restarts, and no limit is reached.
async fn serve(folder: &Path, address: SocketAddr) -> Process {
    let (folder, address) = (folder.display().to_string(), address.to_string());
    let settings = [
        ("PLAZA_DATA_DIR", folder.as_str()),
        ("PLAZA_BIND", address.as_str()),
        ("PLAZA_TASK_REVIEW_SECONDS", "4"),
        ("PLAZA_LIMIT_ACCEPTED_TASKS", "100000"),
    ];
    Process::with(&settings).await
}

impl FaultyServer {
    /// Starts a server.
    pub async fn start() -> Self {
        let (folder, address) = (cluster().folder("fire"), free_port());
        Self { process: serve(&folder, address).await, folder, address }
    }

    /// The server's settings, for commands beside it.
    pub fn settings(&self) -> [(&str, &str); 1] {
        [("PLAZA_DATA_DIR", self.folder.to_str().expect("a name of ours"))]
    }

    /// The server's database.
    pub fn url(&self) -> String {
        let options = Options { data_dir: self.folder.clone(), bin_dir: None, extra_settings: String::new() };
        Cluster::start_or_join(&options).expect("it is there to be joined").url("plaza")
    }

    /// Injects the faults, spread evenly over the operations. The server ends when the returned value is dropped.
    pub async fn inject_faults(mut self, workload: &Workload, scale: &Scale) -> (RecoveryTimes, Self) {
        let mut recovery = RecoveryTimes::default();
        let faults = scale.kills + scale.stops;
        for fault in 0..faults {
            let due = scale.operations * (fault + 1) / (faults + 1);
            workload.wait_for_started(due).await;
            // Every third fault is a stop of PostgreSQL, until there were enough of them.
            if fault % 3 == 1 && recovery.outages.len() < scale.stops {
                let hard = if recovery.outages.is_empty() { Signal::SIGKILL } else { Signal::SIGQUIT };
                recovery.outages.push(self.stop_postgres(workload, hard).await);
            } else {
                let start = Instant::now();
                self.process.kill().await;
                self.process = serve(&self.folder, self.address).await;
                recovery.restarts.push(start.elapsed());
            }
        }
        workload.wait_for_started(scale.operations).await;
        (recovery, self)
    }

    /// Ends the first process of PostgreSQL, and waits until the server reaches its database again.
    async fn stop_postgres(&self, workload: &Workload, signal: Signal) -> (Duration, Duration) {
        let file = self.folder.join("postgres/data/postmaster.pid");
        let text = std::fs::read_to_string(file).expect("PostgreSQL runs");
        let pid: i32 = text.lines().next().and_then(|line| line.trim().parse().ok()).expect("a process id");
        let start = Instant::now();
        kill(Pid::from_raw(pid), signal).expect("it is ours");
        until("PostgreSQL is gone", || async { workload.sql().await.is_err() }).await;
        until("PostgreSQL is back", || async { workload.sql().await.is_ok() }).await;
        let database = start.elapsed();
        // A mutation that is refused, but only after a query.
        let (person, variables) = (workload.person(0), json!({ "id": plaza::ids::TaskId(1 << 40).global().0 }));
        until("the server is back", || async {
            let answer = post(self.address, Some(&person.token), &document("acceptTask"), variables.clone()).await;
            answer.body["data"]["acceptTask"]["userErrors"][0]["code"] == "NOT_FOUND"
        })
        .await;
        (database, start.elapsed().saturating_sub(database))
    }
}

/// What the observer measured.
#[derive(Default)]
pub struct Observations {
    /// Snapshots without findings.
    pub snapshots: usize,
    /// The longest that a session was idle in a transaction, in seconds.
    pub longest_idle: f64,
}

/// Audits snapshots until the workload has finished; PostgreSQL may be down between them.
pub async fn observe(workload: Arc<Workload>) -> Observations {
    let mut observations = Observations::default();
    let idle =
        "select coalesce(max(extract(epoch from clock_timestamp() - state_change)), 0)::float8 from pg_stat_activity
        where state like 'idle in transaction%' and pid <> pg_backend_pid()";
    loop {
        if let Ok(findings) = plaza::audit::run(&workload.url).await {
            assert_eq!(findings, [], "a snapshot");
            observations.snapshots += 1;
        }
        if let Ok(client) = workload.sql().await
            && let Ok(row) = client.query_one(idle, &[]).await
        {
            observations.longest_idle = observations.longest_idle.max(row.get(0));
        }
        if tokio::time::timeout(SNAPSHOT_INTERVAL, workload.finished.cancelled()).await.is_ok() {
            return observations;
        }
    }
}
