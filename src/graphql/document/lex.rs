//! A lenient lexer for documents.

use std::ops::Range;

/// Iterates over the byte ranges of tokens.
///
/// Never fails: a number is any run that begins like one, and any other byte is a token of its own.
pub struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    /// The tokens of a text.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), at: 0 }
    }
}

impl Iterator for Lexer<'_> {
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

/// First offset from `at` whose byte does not match.
fn skip(bytes: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !belongs(*byte)).unwrap_or(rest.len())
}

/// Offset after the string or block string at `at`.
///
/// Ends strings exactly where apollo-parser's lexer does, which continues after line ends and invalid escapes; otherwise
/// the two would disagree on all later quotes, and brackets could hide from the limits. An unterminated string is one
/// quote token, an unterminated block string two.
fn string(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let block = rest.starts_with(b"\"\"\"");
    let mut inside = if block { 3 } else { 1 };
    while let Some(tail @ [byte, ..]) = rest.get(inside..) {
        match byte {
            b'\\' if !block => inside = escape(rest, inside),
            b'\\' if tail.starts_with(b"\\\"\"\"") => inside += 4,
            b'"' if !block => return at + inside + 1,
            b'"' if tail.starts_with(b"\"\"\"") => return at + inside + 3,
            _ => inside += 1,
        }
    }
    at + if block { 2 } else { 1 }
}

/// Offset after the escape at `at`.
fn escape(bytes: &[u8], at: usize) -> usize {
    if bytes.get(at + 1) == Some(&b'u') { unicode(bytes, at + 2, false) } else { at + 2 }
}

/// Offset after the digits of `\u`; if malformed, after the offending character. `follows`: second half of a surrogate pair,
/// without braces.
fn unicode(bytes: &[u8], at: usize, follows: bool) -> usize {
    if !follows && bytes.get(at) == Some(&b'{') {
        return behind_character(bytes, skip(bytes, at + 1, |byte| byte.is_ascii_hexdigit()));
    }
    let end = skip(bytes, at, |byte| byte.is_ascii_hexdigit()).min(at + 4);
    let is_first_half = match bytes.get(at..end) {
        Some([b'd' | b'D', b'8' | b'9' | b'a'..=b'b' | b'A'..=b'B', _, _]) => !follows,
        Some([_, _, _, _]) => return end,
        _ => false,
    };
    match bytes.get(end..) {
        Some([b'\\', b'u', ..]) if is_first_half => unicode(bytes, end + 2, true),
        Some([b'\\', ..]) if is_first_half => end + 2,
        _ if is_first_half || end < at + 4 => behind_character(bytes, end),
        _ => end,
    }
}

/// Offset after the character at `at`, unless it is a quote, which always ends the string.
fn behind_character(bytes: &[u8], at: usize) -> usize {
    if bytes.get(at) == Some(&b'"') { at } else { at + 1 }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::parser::Parser;
    use proptest::prelude::*;

    use super::*;

    const BRACKETS: usize = 40;

    /// Whether the parser, and whether the tokens, have all the brackets that stand between two texts.
    fn seen(before: &str, after: &str) -> (bool, bool) {
        let text = format!("{before}{}{after}", "[".repeat(BRACKETS));
        let mut parser = Parser::new();
        let _ = parser.parse_ast(text.as_str(), "a.graphql");
        let brackets = Lexer::of(&text).filter(|token| text.get(token.clone()) == Some("[")).count();
        (parser.recursion_reached() >= BRACKETS, brackets >= BRACKETS)
    }

    #[test]
    fn a_string_ends_where_the_parser_ends_it() {
        for (string, is_over) in [
            (r#""""#, true),
            (r#""\u\""#, true),
            (r#""\u1\""#, true),
            (r#""\u{1\""#, true),
            (r#""\ud83d\u{\""#, false),
            (r#""\ud83d\"#, false),
            (r#""\ud83d\u\""#, true),
            (r#""\u0041\""#, false),
            (r#""\u{41}\""#, false),
            (r#""\x\""#, false),
            ("\"a\n\"", true),
            ("\"a\n", false),
        ] {
            assert_eq!(seen(&format!("{{f(a:[{string}"), "\""), (is_over, is_over), "{string}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn what_the_parser_nests_is_seen(inside in "[\"\\\\u{}d8x\n]{0,14}", after in "\"?") {
            let (parsed, seen) = seen(&format!("{{f(a:[\"{inside}"), &after);
            prop_assert!(seen || !parsed, "{}", inside);
        }
    }
}
