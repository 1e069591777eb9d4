//! Approximate memory of documents, as cache weights.

use async_graphql::Positioned;
use async_graphql::parser::types::{Field, InlineFragment, OperationDefinition, Selection, SelectionSet};
use async_graphql_value::Value;

/// Per document: cache entry, maps.
const ENTRY_BYTES: usize = 1024;

/// Per token of a valid document.
const TOKEN_BYTES: usize = 300;

/// Overhead of a small allocation.
const ALLOCATION_BYTES: usize = 32;

/// A valid document: text and AST.
#[must_use]
pub fn of_document(text: &str, tokens: u32) -> u32 {
    // The AST holds copies of literals.
    sum([ENTRY_BYTES, text.len() * 2, TOKEN_BYTES.saturating_mul(usize::try_from(tokens).unwrap_or(usize::MAX))])
}

/// A normal form.
#[must_use]
pub fn of_normal_form(operation: &OperationDefinition) -> u32 {
    sum([ENTRY_BYTES, of_set(&operation.selection_set.node)])
}

fn sum<const N: usize>(parts: [usize; N]) -> u32 {
    u32::try_from(parts.iter().fold(0_usize, |sum, part| sum.saturating_add(*part))).unwrap_or(u32::MAX)
}

fn of_set(set: &SelectionSet) -> usize {
    let of_selection = |selection: &Positioned<Selection>| {
        size_of::<Positioned<Selection>>()
            + match &selection.node {
                Selection::Field(field) => of_field(&field.node),
                Selection::InlineFragment(fragment) => {
                    size_of::<InlineFragment>() + ALLOCATION_BYTES + of_set(&fragment.node.selection_set.node)
                }
                Selection::FragmentSpread(_) => 0,
            }
    };
    set.items.iter().map(of_selection).sum()
}

fn of_field(field: &Field) -> usize {
    let names = [Some(&field.name), field.alias.as_ref()];
    let names: usize = names.into_iter().flatten().map(|name| ALLOCATION_BYTES + name.node.len()).sum();
    let arguments = field.arguments.iter().map(|(name, value)| {
        size_of_val(name) + ALLOCATION_BYTES + name.node.len() + size_of_val(value) + of_value(&value.node)
    });
    names + arguments.sum::<usize>() + of_set(&field.selection_set.node)
}

/// Heap memory of a value.
fn of_value(value: &Value) -> usize {
    match value {
        Value::String(text) => ALLOCATION_BYTES + text.len(),
        Value::Variable(name) | Value::Enum(name) => ALLOCATION_BYTES + name.len(),
        Value::List(items) => items.iter().map(|item| size_of::<Value>() + of_value(item)).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, inner)| ALLOCATION_BYTES * 2 + name.len() + size_of::<Value>() + of_value(inner))
            .sum(),
        _ => 0,
    }
}
