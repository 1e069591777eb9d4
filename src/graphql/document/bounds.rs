//! Bounds on a parsed document, before anything takes it apart: how much it becomes with its fragments written out.
//!
//! Each fragment is walked once and its figures are kept, so the walk takes as long as the document is, however often
//! fragments are spread. What passes here is small enough for validation and normalisation, which follow fragments.
//!
//! Introspection is exempt from depth, or GraphiQL would not work.

use std::collections::HashMap;

use apollo_compiler::ast::{Definition, Document, FragmentDefinition, Selection};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{Name, Node};

use super::Refused;
use super::limits::{NESTING, check};
use super::positions::Positions;
use crate::config::limits::DocumentLimits;

const FIELDS: &str = "fields, with fragments written out";

/// What a selection set comes to, fragments written out.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    /// Fields.
    fields: u64,
    /// Fields of the set itself, not inside others.
    own: u64,
    /// Fields inside each other.
    depth: u64,
    /// Selections inside each other, of fields and fragments alike.
    height: u64,
}

impl Figures {
    fn join(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.own = self.own.saturating_add(other.own);
        self.depth = self.depth.max(other.depth);
        self.height = self.height.max(other.height);
    }
}

/// Refuses a document that is over a limit.
///
/// # Errors
/// `QUERY_TOO_EXPENSIVE`; a validation error for a fragment that does not exist or spreads itself, which has no size.
pub fn check_bounds(document: &Document, positions: &Positions<'_>, limits: &DocumentLimits) -> Result<(), Refused> {
    let fragments: HashMap<&Name, &Node<FragmentDefinition>> = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::FragmentDefinition(fragment) => Some((&fragment.name, fragment)),
            _ => None,
        })
        .collect();
    check(fragments.len() as u64, limits.fragments, "fragments")?;
    let mut walk = Walk { positions, limits, fragments, known: HashMap::new(), aliases: 0 };
    let mut fields = 0_u64;
    for definition in &document.definitions {
        let Definition::OperationDefinition(operation) = definition else { continue };
        let figures = walk.selections(&operation.selection_set, false, 1)?;
        check(figures.own, limits.root_fields, "root fields")?;
        check(figures.height, limits.nesting, NESTING)?;
        check(figures.depth, limits.depth, "fields inside each other (depth)")?;
        fields = fields.saturating_add(figures.fields);
        check(fields, limits.fields, FIELDS)?;
    }
    // Fragments that nothing spreads are still validated. In their order: which limit is named does not change by chance.
    for definition in &document.definitions {
        let Definition::FragmentDefinition(fragment) = definition else { continue };
        let figures = walk.fragment(&fragment.name, None, 1)?;
        check(figures.height, limits.nesting, NESTING)?;
        check(figures.fields, limits.fields, FIELDS)?;
    }
    check(walk.aliases, limits.aliases, "aliases")?;
    Ok(())
}

struct Walk<'a> {
    positions: &'a Positions<'a>,
    limits: &'a DocumentLimits,
    fragments: HashMap<&'a Name, &'a Node<FragmentDefinition>>,
    /// Figures of the fragments walked so far; none while one is being walked.
    known: HashMap<&'a Name, Option<Figures>>,
    aliases: u64,
}

impl<'a> Walk<'a> {
    /// `level` is how deep the walk itself stands, which never exceeds the limit of nesting.
    fn selections(&mut self, set: &'a [Selection], introspection: bool, level: u64) -> Result<Figures, Refused> {
        check(level, self.limits.nesting, NESTING)?;
        let mut sum = Figures::default();
        for selection in set {
            sum.join(match selection {
                Selection::Field(field) => {
                    self.aliases += u64::from(field.alias.is_some());
                    let inside = introspection || matches!(field.name.as_str(), "__schema" | "__type");
                    let below = match &field.selection_set {
                        Some(set) => self.selections(set, inside, level + 1)?,
                        None => Figures::default(),
                    };
                    let depth = if inside { 0 } else { below.depth + 1 };
                    Figures { fields: below.fields.saturating_add(1), own: 1, depth, height: below.height }
                }
                Selection::InlineFragment(fragment) => {
                    self.selections(&fragment.selection_set, introspection, level + 1)?
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.fragment_name, spread.location(), level + 1)?
                }
            });
        }
        sum.height += 1;
        Ok(sum)
    }

    fn fragment(&mut self, name: &'a Name, spread: Option<SourceSpan>, level: u64) -> Result<Figures, Refused> {
        let invalid = |message: String| Refused::invalid(message, self.positions.of_span(spread));
        let Some(fragment) = self.fragments.get(name).copied() else {
            return Err(invalid(format!("Unknown fragment \"{name}\".")));
        };
        match self.known.get(name) {
            Some(Some(figures)) => return Ok(*figures),
            Some(None) => return Err(invalid(format!("Fragment \"{name}\" spreads itself."))),
            None => {}
        }
        self.known.insert(name, None);
        let introspection = fragment.type_condition.starts_with("__");
        let figures = self.selections(&fragment.selection_set, introspection, level)?;
        self.known.insert(name, Some(figures));
        Ok(figures)
    }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::parser::Parser;

    use super::*;
    use crate::error::AppError;

    fn refusal(text: &str, limits: DocumentLimits) -> Option<String> {
        let document = Parser::new().parse_ast(text, "a.graphql").unwrap();
        match check_bounds(&document, &Positions::of(text), &limits) {
            Ok(()) => None,
            Err(Refused::Request(AppError::Request(_, message))) => Some(message),
            Err(refused) => panic!("{refused:?}"),
        }
    }

    /// In each of them alone there is little; spread in a row they come to a height of 19.
    #[test]
    fn fragments_that_nothing_spreads_are_bounded_in_their_order() {
        let limits = DocumentLimits { nesting: 10, ..DocumentLimits::default() };
        let chain = (0..10).rev().map(|n| format!("fragment F{n} on T {{ a {{ ...F{} }} }} ", n + 1));
        let text = format!("{{ a }} fragment F10 on T {{ a }} {}", chain.collect::<String>());
        assert!(refusal(&text, limits).is_some_and(|message| message.contains(NESTING)), "{text}");
        let wide = "fragment Wide on T { a b c }";
        let deep = format!("fragment Deep on T {}a{}", "{ a ".repeat(11), "}".repeat(11));
        let limits = DocumentLimits { fields: 2, ..limits };
        for _ in 0..8 {
            assert!(refusal(&format!("{{ a }} {wide} {deep}"), limits).unwrap().contains(FIELDS));
            assert!(refusal(&format!("{{ a }} {deep} {wide}"), limits).unwrap().contains(NESTING));
        }
    }
}
