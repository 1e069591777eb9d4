//! Plain HTTP, header by header.

use std::net::SocketAddr;
use std::sync::LazyLock;

use axum::http::{HeaderMap, Method};
use serde_json::Value;

use super::WAIT_TIMEOUT;

/// What the server answered.
pub struct Reply {
    /// HTTP's status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Reply {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("headers are text")).unwrap_or_default()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The first error's code.
    #[track_caller]
    pub fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Made once: it reads all of the system's certificates. It keeps no connections, so tests share none.
static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    // It speaks TLS through whatever the process has installed; Plaza does, but not before it starts.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(WAIT_TIMEOUT).pool_max_idle_per_host(0);
    client.redirect(reqwest::redirect::Policy::none()).build().expect("a client")
});

/// The client of all tests.
pub fn client() -> &'static reqwest::Client {
    &CLIENT
}

/// The media type of nearly everything.
pub const JSON: (&str, &str) = ("content-type", "application/json");

/// Sends a request.
pub async fn send(
    address: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> Reply {
    let mut request = client().request(method, format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.body(body).send().await.expect("the server answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, text: response.text().await.expect("the answer is whole") }
}
