//! The routes.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use super::endpoint::Endpoint;
use super::{graphiql, graphql, health, media, origin, rate_limit, request_trace, verify_email, websocket};

impl Endpoint {
    /// All routes.
    pub fn router(self) -> Router {
        let endpoint = Arc::new(self);
        let ip_limit = from_fn_with_state(Arc::clone(&endpoint), rate_limit::limit_by_ip);
        // Readable from pages of any origin.
        let files = Router::new().route("/media/{name}", get(media::serve)).layer(ip_limit.clone());
        // For monitoring: no CORS.
        let watch = Router::new()
            .route("/readyz", get(health::ready))
            .route("/metrics", get(health::metrics))
            .layer(ip_limit.clone());
        Router::new()
            .route(
                "/graphql",
                get(graphql::get)
                    .head(graphql::method_not_allowed)
                    .post(graphql::post)
                    .fallback(graphql::method_not_allowed),
            )
            .route("/graphql/ws", get(websocket::upgrade))
            .route("/verify-email", get(verify_email::page).post(verify_email::confirm))
            .route("/media/uploads/{key}", get(media::redirect_to_file).put(media::put_upload))
            .layer(ip_limit)
            .layer(origin::cors(&endpoint.app.config))
            .merge(files)
            .merge(watch)
            .route("/", get(graphiql::page))
            .route("/graphiql/{*path}", get(graphiql::asset))
            .route("/healthz", get(health::alive))
            .layer(from_fn_with_state(Arc::clone(&endpoint), request_trace::trace_request))
            .with_state(endpoint)
    }
}
