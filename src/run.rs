//! What the commands do: finding the database, serving, and ending in good order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::background;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::embedded::{Cluster, Options};
use crate::db::{Database, migrate};
use crate::error::{AppError, AppResult};
use crate::http;
use crate::http::endpoint::Endpoint;
use crate::http::server::{ConnectionLimits, StartupGate};
use crate::live::Live;
use crate::seed;

/// Time for running requests and sockets to finish at shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(8);

/// How often the embedded cluster is checked.
const WATCHDOG_INTERVAL: Duration = Duration::from_millis(500);

/// The database, and the embedded cluster if this process runs it.
pub struct DatabaseHandle {
    /// Connection string.
    pub url: String,
    cluster: Option<Arc<Cluster>>,
}

/// The configured database, or the embedded one, started if needed.
///
/// # Errors
/// When the embedded cluster can't be run.
pub async fn open_database(config: &Config, exclusive: bool) -> AppResult<DatabaseHandle> {
    if let Some(url) = &config.database_url {
        return Ok(DatabaseHandle { url: url.clone(), cluster: None });
    }
    let options =
        Options { data_dir: config.data_dir.clone(), bin_dir: config.pg_bin.clone(), extra_settings: String::new() };
    let start = move || if exclusive { Cluster::start(&options) } else { Cluster::start_or_join(&options) };
    let cluster = tokio::task::spawn_blocking(start).await.map_err(AppError::internal)?.map_err(AppError::internal)?;
    Ok(DatabaseHandle { url: cluster.url("plaza"), cluster: Some(Arc::new(cluster)) })
}

impl DatabaseHandle {
    /// Watchdog: restarts the embedded cluster if it dies, until cancelled.
    async fn keep_alive(&self, ended: CancellationToken) {
        let Some(cluster) = self.cluster.clone() else { return };
        while ended.run_until_cancelled(tokio::time::sleep(WATCHDOG_INTERVAL)).await.is_some() {
            let cluster = Arc::clone(&cluster);
            match tokio::task::spawn_blocking(move || cluster.restart_if_dead()).await {
                Ok(Ok(false)) => {}
                Ok(Ok(true)) => tracing::warn!("embedded PostgreSQL died, restarted"),
                Ok(Err(error)) => tracing::warn!(%error, "embedded PostgreSQL died, restart failed"),
                Err(error) => tracing::warn!(%error, "embedded PostgreSQL watchdog failed"),
            }
        }
    }

    /// Stops the embedded cluster if this process runs it.
    pub async fn close(self) {
        let Some(cluster) = self.cluster else { return };
        match tokio::task::spawn_blocking(move || cluster.stop()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the embedded PostgreSQL did not stop"),
            Err(error) => tracing::warn!(%error, "the embedded PostgreSQL did not stop"),
        }
    }
}

/// Migrates the database and builds the app on it, without starting its background tasks.
///
/// # Errors
/// When the database fails.
pub async fn build(config: Config, url: &str) -> AppResult<Arc<App>> {
    let listen_url = config.listen_database_url.clone();
    let ran = migrate::run(listen_url.as_deref().unwrap_or(url)).await?;
    if !ran.is_empty() {
        tracing::info!(migrations = ran.len(), "database migrated");
    }
    let database = Database::connect(url, listen_url.as_deref(), config.db_connections).await?;
    App::build(config, database, Clock::System).await
}

/// Serves until SIGTERM or SIGINT; with `demo`, an empty database gets demo data first.
///
/// # Errors
/// For `demo` under `PLAZA_PRODUCTION`; when the database or the address can't be had.
pub async fn serve(config: Config, demo: bool) -> AppResult<()> {
    if demo {
        seed::demo::check(&config)?;
    }
    raise_open_files();
    let database = open_database(&config, true).await?;
    let ended = CancellationToken::new();
    let (served, ()) = tokio::join!(
        async {
            let served = serve_on(config, &database.url, demo).await;
            ended.cancel();
            served
        },
        database.keep_alive(ended.clone())
    );
    database.close().await;
    served
}

/// Raises the soft limit of open files to the hard limit: the usual soft limit is far below the socket limit.
fn raise_open_files() {
    let raised =
        getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "could not raise the limit of open files");
    }
}

/// Connections within the limit of open files: a quarter of it, at most 1,000, is reserved for the database, files being
/// sent, and subprocesses.
fn connections_with_room() -> usize {
    let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(now, _)| now);
    usize::try_from(files - (files / 4).min(1000)).unwrap_or(usize::MAX)
}

async fn serve_on(config: Config, url: &str, demo: bool) -> AppResult<()> {
    let mut signals = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let bind = config.bind;
    let listener = TcpListener::bind(bind)
        .await
        .map_err(|error| AppError::internal(format!("can't listen on {bind} (PLAZA_BIND): {error}")))?;
    let address = listener.local_addr().map_err(AppError::internal)?;
    // Listens at once: alive, but not ready during the migration.
    let (gate, stop) = (StartupGate::default(), CancellationToken::new());
    let limits = ConnectionLimits::of(&config).within(connections_with_room());
    let server = http::server::serve(listener, gate.clone(), limits, stop.clone());
    let server = tokio::spawn(server);
    let started = async {
        let app = build(config, url).await?;
        let live = Live::open(Arc::clone(&app)).await?;
        let background = background::start(&live);
        if demo {
            seed::demo::add_once(&app).await?;
        }
        gate.open(Endpoint::new(&live)?.router());
        Ok::<_, AppError>((app, background))
    };
    let (app, background) = tokio::select! {
        started = started => started?,
        _ = signals.0.recv() => return Ok(()),
        _ = signals.1.recv() => return Ok(()),
    };
    announce(&app, address);
    tokio::select! {
        _ = signals.0.recv() => {}
        _ = signals.1.recv() => {}
    }
    tracing::info!("shutting down, draining requests");
    app.draining.cancel();
    stop.cancel();
    app.tracker.close();
    let finished = async {
        let _ = server.await;
        app.tracker.wait().await;
    };
    if tokio::time::timeout(DRAIN_TIMEOUT, finished).await.is_err() {
        tracing::warn!("drain timed out with requests running");
    }
    app.stop.cancel();
    let _ = tokio::time::timeout(Duration::from_secs(1), background.wait()).await;
    Ok(())
}

fn listen(kind: SignalKind) -> AppResult<tokio::signal::unix::Signal> {
    signal(kind).map_err(AppError::internal)
}

/// Prints the addresses, the only output to stdout.
#[expect(clippy::print_stdout, reason = "the output that the operator reads")]
fn announce(app: &App, address: SocketAddr) {
    let graphiql = if app.config.production { String::new() } else { format!("\n  GraphiQL  http://{address}/") };
    println!("Plaza is ready:{graphiql}\n  GraphQL   http://{address}/graphql\n  Sockets   ws://{address}/graphql/ws");
}
