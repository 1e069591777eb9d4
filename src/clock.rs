//! Time and randomness, handed out by `App` so that tests decide what time it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use rand::TryRng;
use rand::rngs::SysRng;

/// The source of "now".
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// The machine's clock, shifted by this many milliseconds; tests move it forward.
    Shifted(Arc<AtomicI64>),
}

impl Clock {
    /// The current instant.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now(),
            Self::Shifted(by) => Utc::now() + TimeDelta::milliseconds(by.load(Ordering::Relaxed)),
        }
    }
}

/// Whether an instant can be stored and shown: RFC 3339 writes the years 0 to 9999, and PostgreSQL has no leap seconds.
#[must_use]
pub fn is_storable(at: DateTime<Utc>) -> bool {
    (0..=9999).contains(&at.year()) && at.nanosecond() < 1_000_000_000
}

/// Cryptographically secure random bytes from the operating system.
///
/// # Panics
/// When the operating system has no randomness to give; nothing safe can be done then.
#[must_use]
#[expect(clippy::expect_used, reason = "without randomness no secret may be made")]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
