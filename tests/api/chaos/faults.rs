//! What happens to the server and to PostgreSQL meanwhile, and what is seen of it.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use plaza::db::embedded::{Cluster, Options};
use serde_json::json;

use super::Scale;
use super::state::World;
use crate::harness::money::document;
use crate::harness::process::{Process, free_port};
use crate::harness::{PATIENCE, cluster, post, until};

/// A server with its own PostgreSQL.
pub struct Weather {
    folder: PathBuf,
    process: Process,
    /// Where it listens, however often it is started.
    pub address: SocketAddr,
}

/// How long everything took to come back.
#[derive(Default)]
pub struct Damage {
    /// From the kill of the server until its successor is ready.
    restarts: Vec<Duration>,
    /// From the end of PostgreSQL until it answers again, and from then until the server does.
    outages: Vec<(Duration, Duration)>,
}

impl fmt::Display for Damage {
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

impl Damage {
    /// Whether it came back in time.
    pub fn check(&self) {
        for (database, server) in &self.outages {
            assert!(*database < PATIENCE, "PostgreSQL was away for {database:?}");
            assert!(*server < Duration::from_secs(5), "the server served {server:?} after PostgreSQL did");
        }
    }
}

/// Waits, however long, until so many operations were begun.
async fn begun(world: &World, operations: usize) {
    while world.begun.load(Ordering::Relaxed) < operations {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Starts the server: submitted tasks come due within its restarts, and nobody runs into bounds.
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

impl Weather {
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

    /// Kills and stops, at even distances of what is done. The server ends with what is given back.
    pub async fn blow(mut self, world: &World, scale: &Scale) -> (Damage, Self) {
        let mut damage = Damage::default();
        let blows = scale.kills + scale.stops;
        for blow in 0..blows {
            let due = scale.operations * (blow + 1) / (blows + 1);
            begun(world, due).await;
            // Every third is PostgreSQL's, as long as there are any.
            if blow % 3 == 1 && damage.outages.len() < scale.stops {
                let hard = if damage.outages.is_empty() { Signal::SIGKILL } else { Signal::SIGQUIT };
                damage.outages.push(self.stop_postgres(world, hard).await);
            } else {
                let start = Instant::now();
                self.process.kill().await;
                self.process = serve(&self.folder, self.address).await;
                damage.restarts.push(start.elapsed());
            }
        }
        begun(world, scale.operations).await;
        (damage, self)
    }

    /// Ends PostgreSQL's first process, and waits until the server does something again.
    async fn stop_postgres(&self, world: &World, signal: Signal) -> (Duration, Duration) {
        let file = self.folder.join("postgres/data/postmaster.pid");
        let text = std::fs::read_to_string(file).expect("PostgreSQL runs");
        let pid: i32 = text.lines().next().and_then(|line| line.trim().parse().ok()).expect("a process id");
        let start = Instant::now();
        kill(Pid::from_raw(pid), signal).expect("it is ours");
        until("PostgreSQL is gone", || async { world.sql().await.is_err() }).await;
        until("PostgreSQL is back", || async { world.sql().await.is_ok() }).await;
        let database = start.elapsed();
        // Something that is refused, but not before the database was asked.
        let (person, variables) = (world.person(0), json!({ "id": plaza::ids::TaskId(1 << 40).global().0 }));
        until("the server is back", || async {
            let answer = post(self.address, Some(&person.token), &document("acceptTask"), variables.clone()).await;
            answer.body["data"]["acceptTask"]["userErrors"][0]["code"] == "NOT_FOUND"
        })
        .await;
        (database, start.elapsed().saturating_sub(database))
    }
}

/// What was seen.
#[derive(Default)]
pub struct Watched {
    /// Snapshots in which everything added up.
    pub snapshots: usize,
    /// Seconds that a session was idle in a transaction.
    pub longest_idle: f64,
}

/// Looks at snapshots until it is over; between them PostgreSQL may be away.
pub async fn watch(world: Arc<World>) -> Watched {
    let mut watched = Watched::default();
    let idle =
        "select coalesce(max(extract(epoch from clock_timestamp() - state_change)), 0)::float8 from pg_stat_activity
        where state like 'idle in transaction%' and pid <> pg_backend_pid()";
    while !world.over.load(Ordering::Relaxed) {
        if let Ok(findings) = plaza::audit::run(&world.url).await {
            assert_eq!(findings, [], "a snapshot");
            watched.snapshots += 1;
        }
        if let Ok(client) = world.sql().await
            && let Ok(row) = client.query_one(idle, &[]).await
        {
            watched.longest_idle = watched.longest_idle.max(row.get(0));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    watched
}
