//! `__typename` with directives. The engine's validation does not look into `__typename`: it would call a variable unused
//! that only a directive there uses, and let any directive pass. An inline fragment around it means the same, and is
//! looked into.

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, InlineFragment, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};

/// Puts each `__typename` that has directives into an inline fragment that has them instead.
pub fn wrap(document: &mut ExecutableDocument) {
    match &mut document.operations {
        DocumentOperations::Single(operation) => wrap_in(&mut operation.node.selection_set.node),
        DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                wrap_in(&mut operation.node.selection_set.node);
            }
        }
    }
    for fragment in document.fragments.values_mut() {
        wrap_in(&mut fragment.node.selection_set.node);
    }
}

/// The walk has seen to it that nothing is nested too deeply.
fn wrap_in(set: &mut SelectionSet) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) => {
                wrap_in(&mut field.node.selection_set.node);
                if field.node.name.node == "__typename" && !field.node.directives.is_empty() {
                    selection.node = wrapped(field);
                }
            }
            Selection::InlineFragment(fragment) => wrap_in(&mut fragment.node.selection_set.node),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn wrapped(field: &mut Positioned<Field>) -> Selection {
    let pos = field.pos;
    let inner = Field {
        alias: field.node.alias.take(),
        name: Positioned::new(Name::new("__typename"), field.node.name.pos),
        arguments: std::mem::take(&mut field.node.arguments),
        directives: Vec::new(),
        selection_set: Positioned::default(),
    };
    let selection = Positioned::new(Selection::Field(Positioned::new(inner, pos)), pos);
    let fragment = InlineFragment {
        type_condition: None,
        directives: std::mem::take(&mut field.node.directives),
        selection_set: Positioned::new(SelectionSet { items: vec![selection] }, pos),
    };
    Selection::InlineFragment(Positioned::new(fragment, pos))
}
