//! Parsing with apollo-compiler, and checks for its deviations.
//!
//! It fails on commas in look-ahead, silently drops arguments and input fields without a colon, and accepts empty selection
//! sets. Commas are insignificant and blanked beforehand; the other two are rejected here.

use std::borrow::Cow;

use apollo_compiler::ast::{Definition, Document, Selection};
use apollo_compiler::parser::{Parser, SourceSpan};
use async_graphql::ServerError;

use super::DocumentError;
use super::lex::Lexer;
use super::positions::Positions;
use super::validate::errors;
use crate::graphql::errors::Stage;

/// Parses a document.
///
/// # Errors
/// Its syntax errors, with their locations.
pub fn parse(text: &str, positions: &Positions<'_>) -> Result<Document, DocumentError> {
    let syntax_error = |message: &str, offset| {
        let error = ServerError::new(message, Some(positions.at(offset)));
        Err(DocumentError::Document(Stage::Parse, vec![error]))
    };
    if let Some(offset) = find_without_colon(text) {
        return syntax_error("Syntax error: expected a colon after the name.", offset);
    }
    let document = match Parser::new().parse_ast(without_commas(text), "document.graphql") {
        Ok(document) => document,
        Err(refused) => {
            return Err(DocumentError::Document(Stage::Parse, errors(&refused.errors, positions, None, |_| true)));
        }
    };
    match find_empty(&document) {
        Some(offset) => syntax_error("Syntax error: a selection set can't be empty.", offset),
        None => Ok(document),
    }
}

/// The text with commas between tokens replaced by blanks.
fn without_commas(text: &str) -> Cow<'_, str> {
    if !text.contains(',') {
        return Cow::Borrowed(text);
    }
    let mut blanked = String::with_capacity(text.len());
    for token in Lexer::of(text) {
        // Including comments.
        let between = text.get(blanked.len()..token.start).unwrap_or_default();
        blanked.push_str(&between.replace(',', " "));
        blanked.push_str(text.get(token).unwrap_or_default());
    }
    let rest = text.get(blanked.len()..).unwrap_or_default();
    blanked.push_str(&rest.replace(',', " "));
    Cow::Owned(blanked)
}

/// Content of a bracket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Selections,
    /// Arguments, input fields, definitions of variables: names with colons.
    Named,
    List,
}

/// Offset of an argument or input field name without a colon.
fn find_without_colon(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut brackets = vec![Inside::Selections];
    let mut tokens = Lexer::of(text).peekable();
    let mut before = b'{';
    while let Some(token) = tokens.next() {
        let byte = *bytes.get(token.start)?;
        let inside = brackets.last().copied().unwrap_or(Inside::Selections);
        match byte {
            b'(' => brackets.push(Inside::Named),
            b'[' => brackets.push(Inside::List),
            b'{' => brackets.push(if inside == Inside::Selections { inside } else { Inside::Named }),
            b')' | b']' | b'}' => drop(brackets.pop()),
            b'A'..=b'Z' | b'a'..=b'z' | b'_' if inside == Inside::Named => {
                let is_key = !matches!(before, b':' | b'$' | b'=' | b'@');
                let colon = tokens.peek().and_then(|next| bytes.get(next.start)) == Some(&b':');
                if is_key && !colon {
                    return Some(token.start);
                }
            }
            // The parser reports it.
            b'"' if !is_whole_string(text.get(token.clone()).unwrap_or_default()) => return None,
            _ => {}
        }
        before = byte;
    }
    None
}

/// Whether a string token is terminated.
fn is_whole_string(token: &str) -> bool {
    token.starts_with("\"\"\"") || (token.len() > 1 && !token.contains(['\n', '\r']))
}

/// Offset of the owner of an empty selection set.
fn find_empty(document: &Document) -> Option<usize> {
    document.definitions.iter().find_map(|definition| match definition {
        Definition::OperationDefinition(operation) => find_empty_in(&operation.selection_set, operation.location()),
        Definition::FragmentDefinition(fragment) => find_empty_in(&fragment.selection_set, fragment.location()),
        _ => None,
    })
}

fn find_empty_in(set: &[Selection], owner: Option<SourceSpan>) -> Option<usize> {
    if set.is_empty() {
        return Some(owner.map_or(0, |span| span.offset()));
    }
    set.iter().find_map(|selection| match selection {
        Selection::Field(field) => find_empty_in(field.selection_set.as_ref()?, field.location()),
        Selection::InlineFragment(fragment) => find_empty_in(&fragment.selection_set, fragment.location()),
        Selection::FragmentSpread(_) => None,
    })
}
