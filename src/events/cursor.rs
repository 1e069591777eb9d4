//! The opaque cursor of the stream; one kind for queries, subscriptions and transports.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};

use super::model::Position;
use crate::error::{AppError, AppResult};

/// Everything up to here was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamCursor {
    /// Place in the stream.
    pub position: Position,
    /// When that place was given out; only spares the database a look into older partitions.
    pub at: DateTime<Utc>,
}

impl StreamCursor {
    /// No event behind the cursor is older than this; the clock that stamps events may be off by a little.
    #[must_use]
    pub fn not_before(&self) -> DateTime<Utc> {
        self.at - TimeDelta::minutes(1)
    }

    /// The text that clients keep.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("e{}.{}", self.position, self.at.timestamp_micros()))
    }

    /// Reads what clients send back.
    ///
    /// # Errors
    /// Bad input when it is no cursor of the stream.
    pub fn parse(text: &str) -> AppResult<Self> {
        let read = || {
            let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text.get(..64.min(text.len()))?).ok()?).ok()?;
            let (position, micros) = plain.strip_prefix('e')?.split_once('.')?;
            let position = position.parse().ok().filter(|position| *position >= 0)?;
            let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
            let sane = at.timestamp() >= 0 && at.timestamp() < 32_503_680_000;
            let cursor = Self { position, at };
            (sane && cursor.encode() == text).then_some(cursor)
        };
        read().ok_or_else(|| {
            AppError::bad_input("`after` is no event cursor; take one from eventCursor or from an event.")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_goes_there_and_back() {
        let cursor = StreamCursor { position: 7, at: DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap() };
        assert_eq!(StreamCursor::parse(&cursor.encode()).unwrap(), cursor);
        for text in ["", "e7.1", "ZTc", "ZS03LjE", "中文", &"A".repeat(500)] {
            assert!(StreamCursor::parse(text).is_err(), "{text}");
        }
    }
}
