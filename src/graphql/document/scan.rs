//! Lexical limits before parsing: bytes, tokens, nesting, directives. The parser is recursive and would overflow the stack on
//! deep nesting.

use super::lex::Lexer;
use super::limits::{NESTING, check};
use crate::config::limits::DocumentLimits;
use crate::error::AppResult;

/// Checks the limits; returns the number of tokens. Brackets in strings and comments do not count.
///
/// # Errors
/// `QUERY_TOO_EXPENSIVE` over a limit.
pub fn scan(document: &str, limits: &DocumentLimits) -> AppResult<u32> {
    check(document.len() as u64, limits.document_bytes, "bytes")?;
    let (mut tokens, mut directives, mut nesting) = (0_u32, 0_u64, 0_u64);
    for token in Lexer::of(document) {
        match document.as_bytes().get(token.start) {
            Some(b'{' | b'[' | b'(') => {
                nesting += 1;
                check(nesting, limits.nesting, NESTING)?;
            }
            Some(b'}' | b']' | b')') => nesting = nesting.saturating_sub(1),
            Some(b'@') => {
                directives += 1;
                check(directives, limits.directives, "directives")?;
            }
            _ => {}
        }
        tokens += 1;
        check(tokens.into(), limits.tokens, "tokens")?;
    }
    Ok(tokens)
}
