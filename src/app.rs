//! The app: everything that is built once and shared by all requests.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::keys::Keys;
use crate::auth::password::Passwords;
use crate::auth::revoked::RevokedSessions;
use crate::auth::token::AccessTokens;
use crate::auth::{TokenError, Viewer, secret};
use crate::clock::Clock;
use crate::config::Config;
use crate::contact;
use crate::db::Database;
use crate::domains::{accounts, media, search, tasks};
use crate::error::AppResult;
use crate::events::Events;
use crate::files::workshop::Workshop;
use crate::idempotency;
use crate::ids::MediaId;
use crate::jobs::{self, Job, JobKind};
use crate::mailer::Mailer;
use crate::metrics::Metrics;
use crate::rates;
use crate::storage::Storage;

/// How often rows that nobody can ask for any more are deleted.
const SWEEP: Duration = Duration::from_hours(1);

/// Files that are kept in memory, of some 400 bytes each.
const SEEN_MEDIA: u64 = 20_000;

/// Everything that is shared.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The database.
    pub database: Database,
    /// The time.
    pub clock: Clock,
    /// What is signed and hashed with.
    pub keys: Keys,
    /// Access tokens.
    pub tokens: AccessTokens,
    /// Password hashing.
    pub passwords: Passwords,
    /// Sessions that ended lately.
    pub revoked: RevokedSessions,
    /// The event stream.
    pub events: Events,
    /// Mail and SMS.
    pub mailer: Mailer,
    /// Where files lie.
    pub storage: Storage,
    /// Files seen lately: they never change.
    pub seen_media: Cache<MediaId, Arc<media::model::Media>>,
    /// Where files are worked on.
    pub workshop: Workshop,
    /// How many mutations may run at once.
    pub mutations: Arc<Semaphore>,
    /// Figures.
    pub metrics: Metrics,
    /// Running mutations and sockets, waited for at the end.
    pub tracker: TaskTracker,
    /// Says that the end has come: no new work, sockets close.
    pub draining: CancellationToken,
    /// Says that background tasks should end.
    pub stop: CancellationToken,
}

impl App {
    /// Builds the app on a migrated database.
    ///
    /// # Errors
    /// When the database fails, or the secret can't be kept in the data folder.
    pub async fn build(config: Config, database: Database, clock: Clock) -> AppResult<Arc<Self>> {
        let jwt_secret = match &config.jwt_secret {
            Some(secret) => secret.clone(),
            None => secret::load_or_create(&config.data_dir)?,
        };
        let keys = Keys::new(&jwt_secret, config.jwt_secret_previous.as_deref());
        let app = Self {
            tokens: AccessTokens::new(keys.clone()),
            keys,
            mailer: Mailer::new(&config.mail, &config.data_dir)?,
            passwords: Passwords::new()?,
            revoked: RevokedSessions::default(),
            events: Events::open(database.clone(), config.event_retention_days).await?,
            storage: Storage::open(&config.storage, &config.data_dir)?,
            seen_media: Cache::new(SEEN_MEDIA),
            workshop: Workshop::open(&config.data_dir, config.decoder.as_deref(), config.decoder_timeout)?,
            mutations: Arc::new(Semaphore::new(config.mutations)),
            metrics: Metrics::new(),
            tracker: TaskTracker::new(),
            draining: CancellationToken::new(),
            stop: CancellationToken::new(),
            config,
            database,
            clock,
        };
        // The stream was opened before this look: what is revoked from now on comes with it.
        for (session, reason) in accounts::service::sessions::list_lately_revoked(&app).await? {
            app.revoked.insert(session, reason, app.clock.now());
        }
        Ok(Arc::new(app))
    }

    /// Starts the background tasks; they end with [`App::stop`].
    pub fn start(self: &Arc<Self>) -> TaskTracker {
        let background = TaskTracker::new();
        Events::start(self, &background);
        Mailer::start(self, &background);
        background.spawn(jobs::run(Arc::clone(self), perform));
        background.spawn(sweep(Arc::clone(self)));
        background.spawn(contact::ready());
        background.close();
        background
    }

    /// Who an access token was made for, unless its session was ended.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn authenticate(&self, token: &str) -> Result<Viewer, TokenError> {
        let viewer = self.tokens.verify(token, self.clock.now())?;
        self.revoked.find(viewer.session_id).map_or(Ok(viewer), |reason| Err(TokenError::Ended(reason)))
    }
}

/// Does what a job asks for.
async fn perform(app: &App, kind: JobKind, job: &Job) -> AppResult<()> {
    match kind {
        JobKind::FinishTask => tasks::service::doing::finish_due(app, job).await,
    }
}

async fn sweep(app: Arc<App>) {
    note("half-written files", app.storage.sweep_halves().await);
    loop {
        // At the start as well: what this version finds by other rules than the last, or found by none.
        match search::service::reindex(&app).await {
            Ok(0) => {}
            Ok(entries) => tracing::info!(entries, "made the words of search anew"),
            Err(error) => tracing::warn!(cause = %error.describe(), "the words of search could not be made anew"),
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
        // Once for all instances.
        if !app.events.is_leading() {
            continue;
        }
        note("ended sessions", accounts::service::sessions::sweep(&app).await);
        note("codes and captchas", accounts::service::codes::sweep(&app).await);
        note("uploads", media::service::uploads::sweep(&app).await);
        note("contents of files", media::service::sweeping::sweep(&app).await);
        note("words of search", search::service::sweep(&app).await);
        note("counts of tries", rates::sweep(&app).await);
        note("idempotency keys", idempotency::sweep(&app).await);
    }
}

fn note(what: &str, swept: AppResult<usize>) {
    match swept {
        Ok(swept) => tracing::debug!(what, swept, "deleted what nobody can ask for any more"),
        Err(error) => tracing::warn!(what, cause = %error.describe(), "what is over could not be deleted"),
    }
}
