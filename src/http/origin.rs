//! Which sites' pages may speak to Plaza: one's own, and those of `PLAZA_ALLOWED_ORIGINS`.
//!
//! Browsers ask by CORS before they send what Plaza takes, and read answers only with its permission. Sockets know no
//! CORS: there the origin is checked by Plaza.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::observe::TRACE;

/// The layer that answers browsers' questions.
pub fn cors(allowed: &[HeaderValue]) -> CorsLayer {
    let headers = [
        AUTHORIZATION,
        CONTENT_TYPE,
        HeaderName::from_static("graphql-require-preflight"),
        HeaderName::from_static("apollo-require-preflight"),
        HeaderName::from_static("x-apollo-operation-name"),
        HeaderName::from_static("last-event-id"),
    ];
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(allowed.iter().cloned()))
        .allow_methods([Method::GET, Method::POST, Method::PUT])
        .allow_headers(headers)
        .expose_headers([RETRY_AFTER, TRACE])
        .max_age(Duration::from_hours(1))
}

/// Whether a page of this origin may open a socket. Programs that are no browsers send none.
pub fn may_connect(headers: &HeaderMap, allowed: &[HeaderValue]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    if allowed.contains(origin) {
        return true;
    }
    let authority = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok()?.into_parts().authority);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    authority.zip(host).is_some_and(|(authority, host)| authority.as_str().eq_ignore_ascii_case(host))
}
