//! GraphiQL, for people who explore.

use async_graphql::http::GraphiQLSource;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::Endpoint;

/// Answers a browser's GET of `/` and `/graphql`.
pub async fn page(State(endpoint): State<Endpoint>) -> Response {
    if endpoint.app.config.production {
        return StatusCode::NOT_FOUND.into_response();
    }
    let page =
        GraphiQLSource::build().endpoint("/graphql").subscription_endpoint("/graphql/ws").title("Plaza").finish();
    Html(page).into_response()
}
