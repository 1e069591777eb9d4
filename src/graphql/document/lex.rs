//! Tokens of a document, told apart by its bytes alone.

use std::ops::Range;

/// The tokens of a text, one after the other: where each of them stands.
///
/// Any text has tokens, valid or not: a number is whatever begins like one, and a byte that begins nothing is a token
/// of its own.
pub struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    /// The tokens of a text.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), at: 0 }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let bytes = self.bytes;
        loop {
            let start = self.at;
            let end = match bytes.get(start)? {
                b' ' | b'\t' | b'\n' | b'\r' | b',' | 0xEF | 0xBB | 0xBF => {
                    self.at += 1;
                    continue;
                }
                b'#' => {
                    self.at = skip(bytes, start, |byte| byte != b'\n' && byte != b'\r');
                    continue;
                }
                b'"' => string(bytes, start),
                b'A'..=b'Z' | b'a'..=b'z' | b'_' => skip(bytes, start + 1, is_word),
                b'0'..=b'9' | b'-' => {
                    skip(bytes, start + 1, |byte| is_word(byte) || matches!(byte, b'.' | b'+' | b'-'))
                }
                b'.' => skip(bytes, start, |byte| byte == b'.'),
                _ => start + 1,
            };
            self.at = end;
            return Some(start..end);
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The first place from `at` on whose byte does not belong.
fn skip(bytes: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !belongs(*byte)).unwrap_or(rest.len())
}

/// The place behind the string or block string that begins at `at`.
///
/// Where the parser could see anything but a string, the scan sees what the parser may: a block string that never ends
/// is an empty string with something behind it, and a line's end ends a string. So nothing hides behind a quote.
fn string(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let block = rest.starts_with(b"\"\"\"");
    let mut inside = if block { 3 } else { 1 };
    while let Some(tail @ [byte, ..]) = rest.get(inside..) {
        match byte {
            b'\\' if !block => inside += 2,
            b'\\' if tail.starts_with(b"\\\"\"\"") => inside += 4,
            b'"' if !block => return at + inside + 1,
            b'"' if tail.starts_with(b"\"\"\"") => return at + inside + 3,
            b'\n' | b'\r' if !block => return at + inside,
            _ => inside += 1,
        }
    }
    if block { at + 2 } else { bytes.len() }
}
