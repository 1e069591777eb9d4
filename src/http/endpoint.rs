//! Shared state of the handlers.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{client, probes, shared_limit, upload_slots};
use crate::app::App;
use crate::config::Rate;
use crate::error::AppResult;
use crate::graphql::document::Documents;
use crate::graphql::engine::Engine;
use crate::live::Live;
use crate::schema::PlazaEngine;

/// Large bodies in memory at once, in all and per address.
const BODIES_LIMIT: usize = 4096;
const BODIES_PER_ADDRESS_LIMIT: u32 = 1024;

/// Shared state of the handlers.
pub struct Endpoint {
    /// The app.
    pub app: Arc<App>,
    /// Live delivery.
    pub live: Arc<Live>,
    /// The schema.
    pub engine: Arc<dyn Engine>,
    /// Document cache of the schema.
    pub documents: Arc<Documents>,
    /// HTTP requests being answered.
    pub(super) requests: Arc<Semaphore>,
    /// Uploads being read.
    pub(super) upload_slots: upload_slots::UploadSlots,
    /// Large bodies being read into memory.
    pub(super) bodies: shared_limit::SharedLimit,
    /// Open sockets and event streams.
    pub(super) streams: shared_limit::SharedLimit,
    /// Request rate per address.
    pub(super) ip_limiter: Arc<client::IpLimiter>,
    /// Recent readiness and metrics.
    pub(super) probes: Arc<probes::Probes>,
}

impl Endpoint {
    /// An endpoint for Plaza's own schema.
    ///
    /// # Errors
    /// As [`Endpoint::with`].
    pub fn new(live: &Arc<Live>) -> AppResult<Self> {
        Self::with(live, Arc::new(PlazaEngine::new(live)))
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
            upload_slots: upload_slots::UploadSlots::new(&limits),
            bodies: shared_limit::SharedLimit::new(
                BODIES_LIMIT,
                Rate { most: BODIES_PER_ADDRESS_LIMIT, explicit: false },
            ),
            streams: shared_limit::SharedLimit::new(limits.sockets, limits.sockets_per_address),
            ip_limiter: Arc::new(client::IpLimiter::new(&app.config)),
            probes: Arc::default(),
            app: Arc::clone(app),
            live: Arc::clone(live),
        })
    }
}
