//! Texts that people write: what can be seen of them, how long they are, and whether they are a line or lines.
//!
//! A character is what people count as one: a grapheme cluster (UAX 29), such as a letter with its marks or a joined
//! emoji. Since a cluster has any number of code points, each limit in characters has one in bytes beside it, which the
//! tables' constraints repeat.

mod emoji;
pub mod pinyin;
mod visible;

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};
use unicode_segmentation::UnicodeSegmentation;

use crate::error::{UserError, UserErrorCode};
use crate::validation::DomainError;

pub use emoji::single_emoji;
pub use visible::{has_stray, is_blank, is_digit, is_letter, is_mark, mixes_scripts, piles_marks, without_stray};

/// Bytes for each character of a text of up to [`SHORT`] characters: a joined emoji of four people.
const SHORT_BYTES: usize = 25;

/// Bytes for each character of a longer text, on average.
const LONG_BYTES: usize = 8;

/// Characters of a text that is a line or two.
const SHORT: usize = 200;

/// What stands in place of a text that was erased because its author left.
pub const ERASED: &str = "deleted";

/// Characters as people count them.
#[must_use]
pub fn characters(text: &str) -> usize {
    text.graphemes(true).count()
}

/// The bytes of a text of at most so many characters, at most.
#[must_use]
pub const fn most_bytes(most: usize) -> usize {
    most * if most <= SHORT { SHORT_BYTES } else { LONG_BYTES }
}

/// Whether a text has at most so many characters, and no more bytes than they take.
///
/// # Errors
/// [`TextError::TooLong`] or [`TextError::TooManyBytes`].
pub fn check_length(text: &str, most: usize) -> Result<(), TextError> {
    // There are no more characters than bytes: most texts are short, and are not looked through.
    if text.len() > most && characters(text) > most {
        return Err(TextError::TooLong(most));
    }
    let bytes = most_bytes(most);
    if text.len() > bytes { Err(TextError::TooManyBytes(bytes)) } else { Ok(()) }
}

/// The beginning of a text that has at most so many code points, cut between characters.
#[must_use]
pub fn beginning(text: &str, code_points: usize) -> &str {
    let mut room = code_points;
    let fits = |character: &&str| {
        let left = room.checked_sub(character.chars().count());
        room = left.unwrap_or_default();
        left.is_some()
    };
    let bytes = text.graphemes(true).take_while(fits).map(str::len).sum();
    text.get(..bytes).unwrap_or_default()
}

/// The composed form (NFC), in which names and passwords are stored and compared.
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    if is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// Whether PostgreSQL can hold a text: it can't hold U+0000.
#[must_use]
pub fn is_storable(text: &str) -> bool {
    !text.contains('\0')
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

/// Whether a text can be shown as a name: one line, of which everything can be seen, in words whose letters are not of several
/// scripts that look alike.
#[must_use]
pub fn is_name(text: &str) -> bool {
    // Others are too narrow to part words.
    let is_spaced = text.chars().any(|c| c.is_whitespace() && !matches!(c, ' ' | '\u{3000}'));
    let is_mixed = text.split_whitespace().any(mixes_scripts);
    let is_seen = !text.chars().all(is_blank) && !has_stray(text) && !piles_marks(text);
    is_line(text) && is_seen && !is_spaced && !is_mixed
}

/// What is wrong with a text of a user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing, or nothing to be seen.
    #[error("Something has to be written here.")]
    Missing,
    /// More than that.
    #[error("At most {0} characters.")]
    TooLong(usize),
    /// More than so many bytes, in however few characters.
    #[error("At most {0} bytes, which some characters take many of.")]
    TooManyBytes(usize),
    /// What would break a line or turn it round.
    #[error("This is one line of text.")]
    NotOneLine,
    /// Characters that no text has.
    #[error("A text can't hold control characters.")]
    NotText,
    /// What can't be seen, or is taken for something else.
    #[error("This can't be shown as a name.")]
    NotName,
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Null,
}

impl DomainError for TextError {
    fn required() -> Self {
        Self::Null
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Missing | Self::Null => UserErrorCode::Required,
            Self::TooLong(_) | Self::TooManyBytes(_) => UserErrorCode::TooLong,
            Self::NotOneLine | Self::NotText | Self::NotName => UserErrorCode::InvalidInput,
        };
        UserError::new(code, self.to_string(), path)
    }
}

/// Whether a text is a line of 1 to so many characters, white space around it not counted.
///
/// # Errors
/// What is wrong with it.
pub fn check_line(text: &str, most: usize) -> Result<(), TextError> {
    check_written(text, most)?;
    if is_line(text) { Ok(()) } else { Err(TextError::NotOneLine) }
}

/// Whether a text is lines of 1 to so many characters, white space around it not counted.
///
/// # Errors
/// What is wrong with it.
pub fn check_lines(text: &str, most: usize) -> Result<(), TextError> {
    check_written(text, most)?;
    if is_lines(text) { Ok(()) } else { Err(TextError::NotText) }
}

/// Whether a text is blank, or a line as [`check_line`] has it.
///
/// # Errors
/// What is wrong with it.
pub fn check_optional_line(text: &str, most: usize) -> Result<(), TextError> {
    if text.trim().is_empty() { Ok(()) } else { check_line(text, most) }
}

/// Whether a text is blank, or lines as [`check_lines`] has them.
///
/// # Errors
/// What is wrong with it.
pub fn check_optional_lines(text: &str, most: usize) -> Result<(), TextError> {
    if text.trim().is_empty() { Ok(()) } else { check_lines(text, most) }
}

/// Whether something of at most so many characters can be looked for.
///
/// # Errors
/// [`TextError::TooLong`], [`TextError::TooManyBytes`] or [`TextError::NotText`].
pub fn check_query(text: &str, most: usize) -> Result<(), TextError> {
    check_length(text, most)?;
    if is_storable(text) { Ok(()) } else { Err(TextError::NotText) }
}

fn check_written(text: &str, most: usize) -> Result<(), TextError> {
    if text.chars().all(is_blank) {
        return Err(TextError::Missing);
    }
    check_length(text.trim(), most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILY: &str = "👨\u{200d}👩\u{200d}👧\u{200d}👦";

    #[test]
    fn characters_are_what_people_count() {
        assert_eq!((characters(FAMILY), characters("e\u{301}"), characters("नमस्ते")), (1, 1, 3));
        assert_eq!(check_length(&FAMILY.repeat(100), 100), Ok(()));
        assert_eq!(check_length(&FAMILY.repeat(101), 100), Err(TextError::TooLong(100)));
        assert_eq!(check_length(&"字".repeat(101), 100), Err(TextError::TooLong(100)));
        let piled = format!("a{}", "\u{301}".repeat(1300));
        assert_eq!(check_length(&piled, 100), Err(TextError::TooManyBytes(2500)));
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let text = format!("ab{FAMILY}c");
        assert_eq!((beginning(&text, 8), beginning(&text, 9)), ("ab", format!("ab{FAMILY}").as_str()));
        assert_eq!((beginning("字字字", 2), beginning("", 2)), ("字字", ""));
    }
}
