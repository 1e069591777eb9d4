//! What documents take in memory, about: what the cache counts them as.

use async_graphql::Positioned;
use async_graphql::parser::types::{Field, InlineFragment, OperationDefinition, Selection, SelectionSet};
use async_graphql_value::Value;

/// Of any document: its entry in the cache, its maps.
const ENTRY: usize = 1024;

/// Of each token of a valid document.
const TOKEN: usize = 300;

/// Of a name or another small allocation, beside its bytes.
const ALLOCATION: usize = 32;

/// A valid document: its text, and its tree.
#[must_use]
pub fn of_document(text: &str, tokens: u32) -> u32 {
    // The tree holds the texts of literals once more.
    sum([ENTRY, text.len() * 2, TOKEN.saturating_mul(usize::try_from(tokens).unwrap_or(usize::MAX))])
}

/// A normal form.
#[must_use]
pub fn of_normal(operation: &OperationDefinition) -> u32 {
    sum([ENTRY, of_set(&operation.selection_set.node)])
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
                    size_of::<InlineFragment>() + ALLOCATION + of_set(&fragment.node.selection_set.node)
                }
                Selection::FragmentSpread(_) => 0,
            }
    };
    set.items.iter().map(of_selection).sum()
}

fn of_field(field: &Field) -> usize {
    let names = [Some(&field.name), field.alias.as_ref()];
    let names: usize = names.into_iter().flatten().map(|name| ALLOCATION + name.node.len()).sum();
    let arguments = field.arguments.iter().map(|(name, value)| {
        size_of_val(name) + ALLOCATION + name.node.len() + size_of_val(value) + of_value(&value.node)
    });
    names + arguments.sum::<usize>() + of_set(&field.selection_set.node)
}

/// What a value holds outside itself.
fn of_value(value: &Value) -> usize {
    match value {
        Value::String(text) => ALLOCATION + text.len(),
        Value::Variable(name) | Value::Enum(name) => ALLOCATION + name.len(),
        Value::List(items) => items.iter().map(|item| size_of::<Value>() + of_value(item)).sum(),
        Value::Object(fields) => {
            fields.iter().map(|(name, inner)| ALLOCATION * 2 + name.len() + size_of::<Value>() + of_value(inner)).sum()
        }
        _ => 0,
    }
}
