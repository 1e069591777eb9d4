//! Transport only: HTTP and WebSocket around the schema.

mod execute;
mod graphiql;
mod graphql;
mod health;
mod websocket;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;

use crate::app::App;
use crate::graphql::{PlazaSchema, schema};

/// The largest JSON body.
const LARGEST_BODY: usize = 64 * 1024;

/// What every handler is given.
#[derive(Clone)]
pub struct Endpoint {
    /// The app.
    pub app: Arc<App>,
    /// The schema.
    pub schema: PlazaSchema,
}

/// All routes.
pub fn router(app: &Arc<App>) -> Router {
    let endpoint = Endpoint { app: Arc::clone(app), schema: schema(app) };
    Router::new()
        .route("/", get(graphiql::page))
        .route("/graphql", get(graphql::get).post(graphql::post))
        .route("/graphql/ws", get(websocket::upgrade))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(endpoint)
}
