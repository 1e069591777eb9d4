//! Middleware that rejects requests over the rate of their address.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::accept::Accept;
use super::client::ClientInfo;
use super::endpoint::Endpoint;
use super::reply::Reply;

/// See the module docs.
pub async fn limit_by_ip(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(client): Extension<ClientInfo>,
    request: Request,
    next: Next,
) -> Response {
    if let Err(seconds) = endpoint.ip_limiter.count(&client) {
        let accept = Accept::of(request.headers());
        return Reply::to(&accept, &endpoint.app.metrics, &client.trace).refuse_for(seconds);
    }
    next.run(request).await
}
