//! Workarounds for validation gaps of apollo-compiler: the document is rewritten so that the library sees the problem.
//!
//! It compares list arguments only up to the shorter list, and takes a `null` default for one that makes a variable
//! non-null. It is too strict where `__typename` shares a response key with a field of another object, which graphql-js
//! allows. Such documents are rare.

use apollo_compiler::ast::{Definition, Document, Field, Selection, Value};
use apollo_compiler::validation::DiagnosticList;
use apollo_compiler::{Name, Node};

use super::literals::each_value;
use super::schema::SchemaTypes;

/// The rules to check again; the rewritten document may break others.
pub const RULES: [&str; 2] = ["ConflictingFieldArgument", "DisallowedVariableUsage"];

/// Diagnostics of the rewritten document; only those of [`RULES`] count.
#[must_use]
pub fn find(document: &Document, types: &SchemaTypes) -> Option<DiagnosticList> {
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

/// Rule: fields of one response key have mergeable types.
pub const CONFLICTING_TYPES: &str = "ConflictingFieldType";

/// Diagnostics without response keys shared with `__typename`; only [`CONFLICTING_TYPES`] counts.
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

/// Removes `null` defaults; returns whether there were any.
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

/// Prepends its length to each list among field arguments.
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
