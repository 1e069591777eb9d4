//! GraphiQL: the bundle of `web/`, compiled in, without requests to other hosts.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};

use crate::http::endpoint::Endpoint;

/// A file of the bundle, compressed.
struct Asset {
    /// Its path in the bundle.
    path: &'static str,
    gzip: &'static [u8],
}

// `const ASSETS: &[Asset]`, written by the build script from `web/dist`; empty where the bundle was not built.
include!(concat!(env!("OUT_DIR"), "/assets.rs"));

const PAGE: &str = "index.html";

/// Same origin only, no inline scripts; the editor needs inline styles.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Placeholder if the bundle was not built.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><title>Plaza</title><h1>Plaza</h1>\
    <p>GraphiQL was not built into this binary: run <code>make web</code>, then build again.</p>\
    <p>The API answers at <code>/graphql</code>.</p></html>";

const NO_SNIFFING: (HeaderName, &str) = (HeaderName::from_static("x-content-type-options"), "nosniff");

/// Answers a browser's GET of `/` and `/graphql`.
pub async fn page(State(endpoint): State<Arc<Endpoint>>) -> Response {
    if endpoint.app.config.production {
        return StatusCode::NOT_FOUND.into_response();
    }
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
        NO_SNIFFING,
    ];
    (headers, contents(find(PAGE))).into_response()
}

/// The page, or the placeholder.
fn contents(page: Option<&'static Asset>) -> Response {
    match page {
        Some(asset) => ([(CONTENT_ENCODING, "gzip")], asset.gzip).into_response(),
        None => NOT_BUILT.into_response(),
    }
}

/// Answers `GET /graphiql/…`: the page's scripts, styles and workers, whose names hold their hash.
pub async fn asset(State(endpoint): State<Arc<Endpoint>>, Path(path): Path<String>) -> Response {
    let Some(asset) = find(&path).filter(|_| !endpoint.app.config.production && path != PAGE) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let media_type = match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("ttf") => "font/ttf",
        Some("md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_ENCODING, "gzip"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        NO_SNIFFING,
    ];
    (headers, asset.gzip).into_response()
}

fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_the_bundle_a_plain_page_says_how_to_build_it() {
        let page = contents(None);
        assert_eq!(page.headers().get(CONTENT_ENCODING), None);
        let body = axum::body::to_bytes(page.into_body(), 10_000).await.unwrap();
        assert!(str::from_utf8(&body).unwrap().contains("make web"));
    }
}
