//! The lexical scan before the parser: a document that is too long, too deep or made of too many tokens is refused by
//! one look at its bytes. The parser recurses into nested values and would take the process with it.

use super::limits::{Limits, NESTING, check};
use crate::error::AppResult;

/// Looks at a document from outside, and counts its tokens: no string, block string or comment is taken for anything
/// else.
///
/// # Errors
/// `QUERY_TOO_EXPENSIVE` when it is over a limit.
pub fn scan(document: &str, limits: &Limits) -> AppResult<u32> {
    check(document.len() as u64, limits.document_bytes, "bytes")?;
    let bytes = document.as_bytes();
    let (mut at, mut tokens, mut directives, mut nesting) = (0, 0_u32, 0_u64, 0_u64);
    while let Some(&byte) = bytes.get(at) {
        let end = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' | 0xEF | 0xBB | 0xBF => {
                at += 1;
                continue;
            }
            b'#' => {
                at = skip(bytes, at, |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'"' => string(bytes, at),
            b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'0'..=b'9' | b'-' => {
                skip(bytes, at + 1, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'+' | b'-'))
            }
            b'.' => skip(bytes, at, |byte| byte == b'.'),
            b'{' | b'[' | b'(' => {
                nesting += 1;
                check(nesting, limits.nesting, NESTING)?;
                at + 1
            }
            b'}' | b']' | b')' => {
                nesting = nesting.saturating_sub(1);
                at + 1
            }
            b'@' => {
                directives += 1;
                check(directives, limits.directives, "directives")?;
                at + 1
            }
            _ => at + 1,
        };
        tokens += 1;
        check(tokens.into(), limits.tokens, "tokens")?;
        at = end;
    }
    Ok(tokens)
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
