//! Logging. Every request runs in a span with its trace id, which internal errors carry to the client.

use std::io::IsTerminal;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use crate::clock::random_bytes;
use crate::config::LogFormat;

/// Logs to stderr through a non-blocking writer: a slow reader loses lines, requests never block. Flushed when the guard is
/// dropped.
pub fn init(format: LogFormat, filter: &str) -> WorkerGuard {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(writer);
    // A second call, as in tests, has no effect.
    let _ = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let trace = std::backtrace::Backtrace::capture();
        tracing::error!(place, message = panic.payload_as_str().unwrap_or_default(), backtrace = %trace, "panicked");
    }));
    guard
}

/// Identifies a request in the log and in internal errors: 16 hex digits.
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
