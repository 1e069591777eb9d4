//! What every handler is given, and the routes.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tokio::sync::Semaphore;

use super::{gate, graphiql, graphql, health, media, observe, origin, places, shares, verify_email, websocket};
use crate::app::App;
use crate::config::Rate;
use crate::error::AppResult;
use crate::graphql::document::Documents;
use crate::graphql::engine::Engine;
use crate::live::Live;
use crate::schema::schema;

/// Large bodies that are read into memory at once, and of them from one address.
const BODIES: usize = 4096;
const BODIES_PER_ADDRESS: u32 = 1024;

/// What every handler is given.
#[derive(Clone)]
pub struct Endpoint {
    /// The app.
    pub app: Arc<App>,
    /// Live delivery.
    pub live: Arc<Live>,
    /// The schema.
    pub engine: Arc<dyn Engine>,
    /// Its documents.
    pub documents: Arc<Documents>,
    /// HTTP requests being answered.
    pub(super) requests: Arc<Semaphore>,
    /// Uploads being read.
    pub(super) uploads: places::Places,
    /// Large bodies being read into memory.
    pub(super) bodies: shares::Shares,
    /// Open sockets and event streams.
    pub(super) streams: shares::Shares,
    /// Who asked lately.
    pub(super) addresses: Arc<gate::Addresses>,
    /// What was seen of the database and of the figures lately.
    pub(super) looks: Arc<health::Looks>,
}

impl Endpoint {
    /// An endpoint for Plaza's own schema.
    ///
    /// # Errors
    /// As [`Endpoint::with`].
    pub fn new(live: &Arc<Live>) -> AppResult<Self> {
        Self::with(live, Arc::new(schema(live)))
    }

    /// An endpoint for any schema.
    ///
    /// # Errors
    /// When the manifest of trusted documents can't be read.
    pub fn with(live: &Arc<Live>, engine: Arc<dyn Engine>) -> AppResult<Self> {
        let app = &live.app;
        let limits = app.config.transport;
        Ok(Self {
            documents: Arc::new(Documents::open(&engine.sdl(), &app.config)?),
            engine,
            requests: Arc::new(Semaphore::new(limits.requests)),
            uploads: places::Places::new(&limits),
            bodies: shares::Shares::new(BODIES, Rate { most: BODIES_PER_ADDRESS, explicit: false }),
            streams: shares::Shares::new(limits.sockets, limits.sockets_per_address),
            addresses: Arc::new(gate::Addresses::new(&app.config)),
            looks: Arc::default(),
            app: Arc::clone(app),
            live: Arc::clone(live),
        })
    }

    /// All routes.
    pub fn router(self) -> Router {
        let guard = from_fn_with_state(self.clone(), gate::guard);
        // For the pages of any site.
        let files = Router::new().route("/media/{name}", get(media::serve)).layer(guard.clone());
        // Not for pages: for what watches over the process.
        let watch = Router::new()
            .route("/readyz", get(health::ready))
            .route("/metrics", get(health::metrics))
            .layer(guard.clone());
        Router::new()
            .route("/graphql", get(graphql::get).head(graphql::other).post(graphql::post).fallback(graphql::other))
            .route("/graphql/ws", get(websocket::upgrade))
            .route("/verify-email", get(verify_email::page).post(verify_email::confirm))
            .route("/media/uploads/{key}", get(media::follow).put(media::receive))
            .layer(guard)
            .layer(origin::cors(&self.app.config))
            .merge(files)
            .merge(watch)
            .route("/", get(graphiql::page))
            .route("/graphiql/{*path}", get(graphiql::asset))
            .route("/healthz", get(health::alive))
            .layer(from_fn_with_state(self.clone(), observe::observe))
            .with_state(self)
    }
}
