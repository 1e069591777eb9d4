//! Logs. Every request runs in a span with its trace id, which masked errors carry to the client.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::clock::random_bytes;
use crate::config::LogFormat;

/// Sends log lines to standard error from here on.
pub fn init(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second call, as tests may make, changes nothing.
    let _ = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Names one request in the log and in its masked errors: 16 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceId(String);

impl TraceId {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(format!("{:016x}", u64::from_be_bytes(random_bytes())))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
