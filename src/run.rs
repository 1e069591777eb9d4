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
use crate::http::server::{ConnectionLimits, Front};
use crate::live::Live;
use crate::seed;

/// How long running mutations and sockets may take to end.
const DRAIN: Duration = Duration::from_secs(8);

/// How often the embedded cluster is looked after.
const REVIVE: Duration = Duration::from_millis(500);

/// The database to work on, and the cluster that has to be stopped afterwards.
pub struct Opened {
    /// Connection string.
    pub url: String,
    cluster: Option<Arc<Cluster>>,
}

/// Finds the database: the one that is set, or the embedded one, started where need be.
///
/// # Errors
/// When the embedded cluster can't be run.
pub async fn open_database(config: &Config, exclusive: bool) -> AppResult<Opened> {
    if let Some(url) = &config.database_url {
        return Ok(Opened { url: url.clone(), cluster: None });
    }
    let options =
        Options { data_dir: config.data_dir.clone(), bin_dir: config.pg_bin.clone(), extra_settings: String::new() };
    let start = move || if exclusive { Cluster::start(&options) } else { Cluster::start_or_join(&options) };
    let cluster = tokio::task::spawn_blocking(start).await.map_err(AppError::internal)?.map_err(AppError::internal)?;
    Ok(Opened { url: cluster.url("plaza"), cluster: Some(Arc::new(cluster)) })
}

impl Opened {
    /// Starts the embedded cluster again whenever it dies, until that is ended.
    async fn keep_alive(&self, ended: CancellationToken) {
        let Some(cluster) = self.cluster.clone() else { return };
        while ended.run_until_cancelled(tokio::time::sleep(REVIVE)).await.is_some() {
            let cluster = Arc::clone(&cluster);
            match tokio::task::spawn_blocking(move || cluster.revive()).await {
                Ok(Ok(false)) => {}
                Ok(Ok(true)) => tracing::warn!("the embedded PostgreSQL had died, and was started again"),
                Ok(Err(error)) => tracing::warn!(%error, "the embedded PostgreSQL died"),
                Err(error) => tracing::warn!(%error, "the embedded PostgreSQL can't be looked after"),
            }
        }
    }

    /// Stops the embedded cluster, where it is ours.
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
        tracing::info!(migrations = ran.len(), "migrated the database");
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
    let opened = open_database(&config, true).await?;
    let ended = CancellationToken::new();
    let (served, ()) = tokio::join!(
        async {
            let served = serve_on(config, &opened.url, demo).await;
            ended.cancel();
            served
        },
        opened.keep_alive(ended.clone())
    );
    opened.close().await;
    served
}

/// Raises the number of files and connections that the process may hold to what the system allows it: what it is given
/// at first is a quarter of the sockets that Plaza takes, or less.
fn raise_open_files() {
    let raised =
        getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "the number of open files could not be raised");
    }
}

/// How many connections leave room for what else is opened: a quarter of the process's files, 1,000 at the most, are for
/// the database, for files being sent, and for programs.
fn connections_with_room() -> usize {
    let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(now, _)| now);
    usize::try_from(files - (files / 4).min(1000)).unwrap_or(usize::MAX)
}

async fn serve_on(config: Config, url: &str, demo: bool) -> AppResult<()> {
    let mut ending = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let bind = config.bind;
    let listener = TcpListener::bind(bind)
        .await
        .map_err(|error| AppError::internal(format!("can't listen on {bind} (PLAZA_BIND): {error}")))?;
    let address = listener.local_addr().map_err(AppError::internal)?;
    // It answers from the beginning: alive, but not ready while the database is migrated.
    let (front, closing) = (Front::default(), CancellationToken::new());
    let limits = ConnectionLimits::of(&config).within(connections_with_room());
    let server = http::server::serve(listener, front.clone(), limits, closing.clone());
    let server = tokio::spawn(server);
    let started = async {
        let app = build(config, url).await?;
        let live = Live::open(Arc::clone(&app)).await?;
        let background = background::start(&live);
        if demo {
            seed::demo::add_once(&app).await?;
        }
        front.open(Endpoint::new(&live)?.router());
        Ok::<_, AppError>((app, background))
    };
    let (app, background) = tokio::select! {
        started = started => started?,
        _ = ending.0.recv() => return Ok(()),
        _ = ending.1.recv() => return Ok(()),
    };
    announce(&app, address);
    tokio::select! {
        _ = ending.0.recv() => {}
        _ = ending.1.recv() => {}
    }
    tracing::info!("ending: no new work, running requests finish");
    app.draining.cancel();
    closing.cancel();
    app.tracker.close();
    let finished = async {
        let _ = server.await;
        app.tracker.wait().await;
    };
    if tokio::time::timeout(DRAIN, finished).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    app.stop.cancel();
    let _ = tokio::time::timeout(Duration::from_secs(1), background.wait()).await;
    Ok(())
}

fn listen(kind: SignalKind) -> AppResult<tokio::signal::unix::Signal> {
    signal(kind).map_err(AppError::internal)
}

/// The one thing that is written to standard output: where Plaza is.
#[expect(clippy::print_stdout, reason = "this is what whoever starts Plaza looks for")]
fn announce(app: &App, address: SocketAddr) {
    let graphiql = if app.config.production { String::new() } else { format!("\n  GraphiQL  http://{address}/") };
    println!("Plaza is ready:{graphiql}\n  GraphQL   http://{address}/graphql\n  Sockets   ws://{address}/graphql/ws");
}
