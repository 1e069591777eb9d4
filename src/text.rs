//! What characters show, for names and messages that are to be seen.

use crate::change::Fault;
use crate::error::{UserError, UserErrorCode};

/// Whether a character shows nothing: white space, fillers, and what only steers or joins other characters.
#[must_use]
pub fn is_blank(c: char) -> bool {
    c.is_whitespace() || is_filler(c) || is_steering(c) || matches!(c, '\u{34f}' | '\u{2800}' | '\u{fe00}'..='\u{fe0f}')
}

/// Letters to Unicode, and nothing to the eye.
#[must_use]
pub fn is_filler(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
}

/// Joins, breaks, or turns the direction of what stands around it.
#[must_use]
pub fn is_steering(c: char) -> bool {
    turns_direction(c)
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Ends a line, or is another control character.
#[must_use]
pub fn ends_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Turns the direction of what stands around it, and so can make a name read as another.
#[must_use]
pub fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a text is one line, which reads as it is written.
#[must_use]
pub fn is_line(text: &str) -> bool {
    !text.chars().any(|c| ends_line(c) || turns_direction(c))
}

/// Whether a text is lines, which read as they are written.
#[must_use]
pub fn is_lines(text: &str) -> bool {
    !text.chars().any(|c| (c.is_control() && c != '\n') || turns_direction(c))
}

/// What is wrong with a text that somebody wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// Nothing, or nothing to be seen.
    #[error("Something has to be written here.")]
    Missing,
    /// More than that.
    #[error("At most {0} characters.")]
    TooLong(usize),
    /// What would break a line or turn it round.
    #[error("This is one line of text.")]
    NotOneLine,
    /// Characters that no text has.
    #[error("A text can't hold control characters.")]
    NotText,
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Null,
}

impl Fault for TextFault {
    fn required() -> Self {
        Self::Null
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Missing | Self::Null => UserErrorCode::Required,
            Self::TooLong(_) => UserErrorCode::TooLong,
            Self::NotOneLine | Self::NotText => UserErrorCode::InvalidInput,
        };
        UserError::new(code, self.to_string(), path)
    }
}

/// Whether a text is a line of 1 to so many characters, white space around it not counted.
///
/// # Errors
/// What is wrong with it.
pub fn check_line(text: &str, most: usize) -> Result<(), TextFault> {
    check_written(text, most)?;
    if is_line(text) { Ok(()) } else { Err(TextFault::NotOneLine) }
}

/// Whether a text is lines of 1 to so many characters, white space around it not counted.
///
/// # Errors
/// What is wrong with it.
pub fn check_lines(text: &str, most: usize) -> Result<(), TextFault> {
    check_written(text, most)?;
    if is_lines(text) { Ok(()) } else { Err(TextFault::NotText) }
}

fn check_written(text: &str, most: usize) -> Result<(), TextFault> {
    if text.chars().all(is_blank) {
        return Err(TextFault::Missing);
    }
    if text.trim().chars().count() > most { Err(TextFault::TooLong(most)) } else { Ok(()) }
}
