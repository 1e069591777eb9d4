//! The lexical scan before the parser: a document that is too long, too deep or made of too many tokens is refused by
//! one look at its bytes. The parser recurses into nested values and would take the process with it.

use super::lex::Tokens;
use super::limits::{NESTING, check};
use crate::config::limits::DocumentLimits;
use crate::error::AppResult;

/// Looks at a document from outside, and counts its tokens: no string, block string or comment is taken for anything
/// else.
///
/// # Errors
/// `QUERY_TOO_EXPENSIVE` when it is over a limit.
pub fn scan(document: &str, limits: &DocumentLimits) -> AppResult<u32> {
    check(document.len() as u64, limits.document_bytes, "bytes")?;
    let (mut tokens, mut directives, mut nesting) = (0_u32, 0_u64, 0_u64);
    for token in Tokens::of(document) {
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
