//! What the library overlooks, shown to it once more in a form in which it sees it, and what it is too strict about.
//!
//! It takes arguments for equal whose lists agree as far as the shorter one goes, and `null` for a default that keeps a
//! variable from being null. It compares the type of `__typename` with those of fields of other objects, which clients'
//! tools do not: they follow graphql-js. Few documents have any of this.

use apollo_compiler::ast::{Definition, Document, Field, Selection, Value};
use apollo_compiler::validation::DiagnosticList;
use apollo_compiler::{Name, Node};

use super::literals::each_value;
use super::schema::SchemaTypes;

/// Rules that are looked at again; the changed document breaks others.
pub const RULES: [&str; 2] = ["ConflictingFieldArgument", "DisallowedVariableUsage"];

/// What the library finds in the changed form of a valid document; of that, [`RULES`] alone count.
#[must_use]
pub fn fill(document: &Document, types: &SchemaTypes) -> Option<DiagnosticList> {
    let mut lengths = None;
    let mut differ = false;
    each_value(document, &mut |value| {
        if let Value::List(items) = &**value {
            differ |= *lengths.get_or_insert(items.len()) != items.len();
        }
    });
    let mut changed = document.clone();
    for definition in &mut changed.definitions {
        differ |= without_null_defaults(definition);
    }
    if !differ {
        return None;
    }
    changed.definitions.iter_mut().for_each(with_lengths);
    changed.to_executable_validate(types.schema()).err().map(|refused| refused.errors)
}

/// Fields of one response key whose types can't be merged.
pub const CONFLICTING_TYPES: &str = "ConflictingFieldType";

/// What the library finds in a document when no `__typename` has the response key of another field; of that,
/// [`CONFLICTING_TYPES`] alone counts.
#[must_use]
pub fn without_type_names(document: &Document, types: &SchemaTypes) -> Option<DiagnosticList> {
    let mut changed = document.clone();
    for definition in &mut changed.definitions {
        each_field(definition, &mut |field| {
            if field.name == "__typename" {
                field.alias = Name::new(&format!("__typename_of_{}", field.response_name())).ok();
            }
        });
    }
    changed.to_executable_validate(types.schema()).err().map(|refused| refused.errors)
}

/// Takes defaults of `null` away, and says whether there were any.
fn without_null_defaults(definition: &mut Definition) -> bool {
    let Definition::OperationDefinition(operation) = definition else { return false };
    let is_null = |default: &Option<Node<Value>>| default.as_ref().is_some_and(|default| default.is_null());
    if !operation.variables.iter().any(|variable| is_null(&variable.default_value)) {
        return false;
    }
    for variable in &mut operation.make_mut().variables {
        if is_null(&variable.default_value) {
            variable.make_mut().default_value = None;
        }
    }
    true
}

/// Puts the length of each list among the arguments of fields in front of its items.
fn with_lengths(definition: &mut Definition) {
    each_field(definition, &mut |field| {
        field.arguments.iter_mut().for_each(|argument| in_value(&mut argument.make_mut().value));
    });
}

fn each_field(definition: &mut Definition, change: &mut impl FnMut(&mut Field)) {
    match definition {
        Definition::OperationDefinition(operation) => in_selections(&mut operation.make_mut().selection_set, change),
        Definition::FragmentDefinition(fragment) => in_selections(&mut fragment.make_mut().selection_set, change),
        _ => {}
    }
}

fn in_selections(set: &mut [Selection], change: &mut impl FnMut(&mut Field)) {
    for selection in set {
        match selection {
            Selection::Field(field) => {
                let field = field.make_mut();
                change(field);
                in_selections(field.selection_set.as_deref_mut().unwrap_or_default(), change);
            }
            Selection::InlineFragment(fragment) => in_selections(&mut fragment.make_mut().selection_set, change),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn in_value(value: &mut Node<Value>) {
    match value.make_mut() {
        Value::List(items) => {
            items.iter_mut().for_each(in_value);
            let length = i32::try_from(items.len()).unwrap_or(i32::MAX);
            items.insert(0, Node::new(Value::from(length)));
        }
        Value::Object(fields) => fields.iter_mut().for_each(|(_, inner)| in_value(inner)),
        _ => {}
    }
}
