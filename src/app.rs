//! The app: everything that is built once and shared by all requests. Handles only: it knows no domain's rules.

use std::sync::Arc;

use quick_cache::sync::Cache;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::keys::Keys;
use crate::auth::password::Passwords;
use crate::auth::revoked::RevokedSessions;
use crate::auth::token::AccessTokens;
use crate::auth::{TokenError, Viewer, secret};
use crate::batches::Batches;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Database;
use crate::domains::accounts::model::Person;
use crate::domains::chat::model::{NewMessage, PendingReactions};
use crate::domains::media::model::Media;
use crate::error::AppResult;
use crate::events::Events;
use crate::files::processor::FileProcessor;
use crate::ids::{MediaId, UserId};
use crate::mailer::Mailer;
use crate::metrics::Metrics;
use crate::seen::SeenValues;
use crate::storage::Storage;

/// Files that are kept in memory, of some 400 bytes each: they never change, and lists show many.
const SEEN_MEDIA: usize = 524_288;

/// People that are kept in memory, of some 700 bytes each.
const SEEN_PEOPLE: usize = 65_536;

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
    pub events: Arc<Events>,
    /// Mail and SMS.
    pub mailer: Mailer,
    /// Where files lie.
    pub storage: Storage,
    /// Files seen lately: they never change.
    pub seen_media: Cache<MediaId, Arc<Media>>,
    /// People seen lately, for what shows them.
    pub seen_people: SeenValues<UserId, Arc<Person>>,
    /// Where files are worked on.
    pub file_processor: FileProcessor,
    /// Messages that are being sent.
    pub sends: Batches<NewMessage>,
    /// Messages whose reactions are to be told of.
    pub pending_reactions: PendingReactions,
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
        Ok(Arc::new(Self {
            tokens: AccessTokens::new(keys.clone()),
            keys,
            mailer: Mailer::new(&config.mail, &config.data_dir)?,
            passwords: Passwords::new(config.password_cost.clone())?,
            revoked: RevokedSessions::default(),
            events: Events::open(database.clone(), clock.clone(), config.event_retention_days).await?,
            storage: Storage::open(&config.storage, &config.data_dir)?,
            seen_media: Cache::new(SEEN_MEDIA),
            seen_people: SeenValues::new(SEEN_PEOPLE),
            file_processor: FileProcessor::open(&config.data_dir, config.decoder.as_deref(), config.decoder_timeout)?,
            sends: Batches::default(),
            pending_reactions: PendingReactions::default(),
            mutations: Arc::new(Semaphore::new(config.mutations)),
            metrics: Metrics::new(),
            tracker: TaskTracker::new(),
            draining: CancellationToken::new(),
            stop: CancellationToken::new(),
            config,
            database,
            clock,
        }))
    }

    /// The user of an access token, unless its session was ended.
    ///
    /// # Errors
    /// Why the token is refused.
    pub fn authenticate(&self, token: &str) -> Result<Viewer, TokenError> {
        let viewer = self.tokens.verify(token, self.clock.now())?;
        self.revoked.find(viewer.session_id).map_or(Ok(viewer), |reason| Err(TokenError::Ended(reason)))
    }
}
