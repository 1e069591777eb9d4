//! Allowed origins: the server's own, those of `PLAZA_ALLOWED_ORIGINS`, and localhost outside production.
//!
//! Enforced by browsers through CORS; for sockets, which have no CORS, by [`may_connect`].

use std::time::Duration;

use axum::http::header::{HOST, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::request_trace::TRACE_HEADER;
use crate::config::{Config, is_of_this_machine};

/// The CORS layer.
pub fn cors(config: &Config) -> CorsLayer {
    let (listed, production) = (config.allowed_origins.clone(), config.production);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| is_allowed(origin, &listed, production)))
        .allow_methods([Method::GET, Method::POST, Method::PUT])
        // Any header: tracing libraries add their own, and none is sensitive by itself.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([RETRY_AFTER, TRACE_HEADER])
        .max_age(Duration::from_hours(1))
}

/// Whether the origin may open a socket; other clients than browsers send none.
pub fn may_connect(headers: &HeaderMap, config: &Config) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    if is_allowed(origin, &config.allowed_origins, config.production) {
        return true;
    }
    let authority = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok()?.into_parts().authority);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    authority.zip(host).is_some_and(|(authority, host)| authority.as_str().eq_ignore_ascii_case(host))
}

/// Whether it is an http(s) origin; webview apps have other schemes.
fn is_web(origin: &str) -> bool {
    origin.starts_with("http://") || origin.starts_with("https://")
}

/// Whether an origin is listed, or localhost outside production.
fn is_allowed(origin: &HeaderValue, listed: &[HeaderValue], production: bool) -> bool {
    listed.contains(origin)
        || (!production && origin.to_str().is_ok_and(|text| is_web(text) && is_of_this_machine(text)))
}
