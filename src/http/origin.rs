//! Which sites' pages may speak to Plaza: one's own, those of `PLAZA_ALLOWED_ORIGINS`, and outside production those that a
//! developer's machine serves to itself.
//!
//! Browsers ask by CORS before they send what Plaza takes, and read answers only with its permission. Sockets know no
//! CORS: there the origin is checked by Plaza.

use std::time::Duration;

use axum::http::header::{HOST, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::observe::TRACE;
use crate::config::{Config, is_of_this_machine};

/// The layer that answers browsers' questions.
pub fn cors(config: &Config) -> CorsLayer {
    let (listed, production) = (config.allowed_origins.clone(), config.production);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| is_allowed(origin, &listed, production)))
        .allow_methods([Method::GET, Method::POST, Method::PUT])
        // Whatever they ask for: clients and their tracing send headers of their own, and none means anything by itself.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([RETRY_AFTER, TRACE])
        .max_age(Duration::from_hours(1))
}

/// Whether a page of this origin may open a socket. Programs that are no browsers send none.
pub fn may_connect(headers: &HeaderMap, config: &Config) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    if is_allowed(origin, &config.allowed_origins, config.production) {
        return true;
    }
    let authority = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok()?.into_parts().authority);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    authority.zip(host).is_some_and(|(authority, host)| authority.as_str().eq_ignore_ascii_case(host))
}

/// Whether an origin is a page's. Apps that show pages of their own have other schemes.
fn is_web(origin: &str) -> bool {
    origin.starts_with("http://") || origin.starts_with("https://")
}

/// Whether an origin is listed, or is a page's that this machine serves to itself while Plaza is being developed with.
fn is_allowed(origin: &HeaderValue, listed: &[HeaderValue], production: bool) -> bool {
    listed.contains(origin)
        || (!production && origin.to_str().is_ok_and(|text| is_web(text) && is_of_this_machine(text)))
}
