//! Size limits of a parsed document with fragments expanded, checked before validation.
//!
//! Each fragment is measured once, so this takes time linear in the document, however often fragments are spread. What
//! passes is small enough for validation and normalisation, which expand fragments.
//!
//! Introspection is exempt from depth, or GraphiQL would not work.

use std::collections::HashMap;

use apollo_compiler::ast::{Definition, Document, FragmentDefinition, Selection};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{Name, Node};

use super::DocumentError;
use super::limits::{NESTING, check};
use super::positions::Positions;
use crate::config::limits::DocumentLimits;

const FIELDS: &str = "fields, with fragments written out";

/// Size of a selection set, fragments expanded.
#[derive(Clone, Copy, Debug, Default)]
struct SelectionSize {
    /// Fields.
    fields: u64,
    /// Fields of the set itself.
    top_level: u64,
    /// Nesting of fields.
    depth: u64,
    /// Nesting of selection sets, of fields and fragments.
    height: u64,
}

impl SelectionSize {
    fn join(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.top_level = self.top_level.saturating_add(other.top_level);
        self.depth = self.depth.max(other.depth);
        self.height = self.height.max(other.height);
    }
}

/// Checks a document against the limits.
///
/// # Errors
/// `QUERY_TOO_EXPENSIVE`; a validation error for an unknown or cyclic fragment, which has no size.
pub fn check_bounds(
    document: &Document,
    positions: &Positions<'_>,
    limits: &DocumentLimits,
) -> Result<(), DocumentError> {
    let fragments: HashMap<&Name, &Node<FragmentDefinition>> = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::FragmentDefinition(fragment) => Some((&fragment.name, fragment)),
            _ => None,
        })
        .collect();
    check(fragments.len() as u64, limits.fragments, "fragments")?;
    let mut checker = BoundsChecker { positions, limits, fragments, sizes: HashMap::new(), aliases: 0 };
    let mut fields = 0_u64;
    for definition in &document.definitions {
        let Definition::OperationDefinition(operation) = definition else { continue };
        let size = checker.selections(&operation.selection_set, false, 1)?;
        check(size.top_level, limits.root_fields, "root fields")?;
        check(size.height, limits.nesting, NESTING)?;
        check(size.depth, limits.depth, "fields inside each other (depth)")?;
        fields = fields.saturating_add(size.fields);
        check(fields, limits.fields, FIELDS)?;
    }
    // Unused fragments are validated as well. In document order, so that the reported limit is deterministic.
    for definition in &document.definitions {
        let Definition::FragmentDefinition(fragment) = definition else { continue };
        let size = checker.fragment(&fragment.name, None, 1)?;
        check(size.height, limits.nesting, NESTING)?;
        check(size.fields, limits.fields, FIELDS)?;
    }
    check(checker.aliases, limits.aliases, "aliases")?;
    Ok(())
}

struct BoundsChecker<'a> {
    positions: &'a Positions<'a>,
    limits: &'a DocumentLimits,
    fragments: HashMap<&'a Name, &'a Node<FragmentDefinition>>,
    /// Sizes of fragments; none while one is being measured.
    sizes: HashMap<&'a Name, Option<SelectionSize>>,
    aliases: u64,
}

impl<'a> BoundsChecker<'a> {
    /// `level` is the recursion depth, bounded by the nesting limit.
    fn selections(
        &mut self,
        set: &'a [Selection],
        introspection: bool,
        level: u64,
    ) -> Result<SelectionSize, DocumentError> {
        check(level, self.limits.nesting, NESTING)?;
        let mut sum = SelectionSize::default();
        for selection in set {
            sum.join(match selection {
                Selection::Field(field) => {
                    self.aliases += u64::from(field.alias.is_some());
                    let inside = introspection || matches!(field.name.as_str(), "__schema" | "__type");
                    let below = match &field.selection_set {
                        Some(set) => self.selections(set, inside, level + 1)?,
                        None => SelectionSize::default(),
                    };
                    let depth = if inside { 0 } else { below.depth + 1 };
                    SelectionSize { fields: below.fields.saturating_add(1), top_level: 1, depth, height: below.height }
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

    fn fragment(
        &mut self,
        name: &'a Name,
        spread: Option<SourceSpan>,
        level: u64,
    ) -> Result<SelectionSize, DocumentError> {
        let invalid = |message: String| DocumentError::invalid(message, self.positions.of_span(spread));
        let Some(fragment) = self.fragments.get(name).copied() else {
            return Err(invalid(format!("Unknown fragment \"{name}\".")));
        };
        match self.sizes.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(invalid(format!("Fragment \"{name}\" spreads itself."))),
            None => {}
        }
        self.sizes.insert(name, None);
        let introspection = fragment.type_condition.starts_with("__");
        let size = self.selections(&fragment.selection_set, introspection, level)?;
        self.sizes.insert(name, Some(size));
        Ok(size)
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
            Err(DocumentError::Request(AppError::Request(_, message))) => Some(message),
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
