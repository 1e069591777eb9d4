//! "Did you mean" suggestions, computed only for invalid documents.

use std::collections::HashMap;

use apollo_compiler::ast::{Argument, Definition, DirectiveList, Document, Field, Selection, Type, Value};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::{ExtendedType, InputValueDefinition};
use apollo_compiler::{Name, Node};

use super::schema::SchemaTypes;
use crate::graphql::errors::ERRORS_LIMIT;

/// Longer names get no suggestion.
const NAME_BYTES_LIMIT: usize = 64;

/// Names in one suggestion.
const SUGGESTIONS_LIMIT: usize = 3;

/// Suggestions by offset of the misspelt name.
#[derive(Debug, Default)]
pub struct Suggestions(HashMap<usize, String>);

impl Suggestions {
    /// Finds names that are not in the schema.
    #[must_use]
    pub fn find(document: &Document, types: &SchemaTypes) -> Self {
        let mut search = SuggestionSearch { types, looked_up: 0, found: HashMap::new() };
        for definition in &document.definitions {
            match definition {
                Definition::OperationDefinition(operation) => {
                    for variable in &operation.variables {
                        let name = variable.ty.inner_named_type();
                        search.type_name(name, variable.location(), ExtendedType::is_input_type);
                        if let Some(default) = &variable.default_value {
                            search.value(&variable.ty, default);
                        }
                        search.directives(&variable.directives);
                    }
                    search.directives(&operation.directives);
                    search.selections(&operation.selection_set, types.root(operation.operation_type));
                }
                Definition::FragmentDefinition(fragment) => {
                    search.type_name(&fragment.type_condition, None, is_composite);
                    search.directives(&fragment.directives);
                    search.selections(&fragment.selection_set, Some(&fragment.type_condition));
                }
                _ => {}
            }
        }
        Self(search.found)
    }

    /// The suggestion at an offset, as a sentence to append.
    #[must_use]
    pub fn at(&self, offset: usize) -> Option<&str> {
        self.0.get(&offset).map(String::as_str)
    }
}

fn is_composite(definition: &ExtendedType) -> bool {
    definition.is_object() || definition.is_interface() || definition.is_union()
}

struct SuggestionSearch<'a> {
    types: &'a SchemaTypes,
    looked_up: usize,
    found: HashMap<usize, String>,
}

impl<'a> SuggestionSearch<'a> {
    fn selections(&mut self, set: &'a [Selection], parent: Option<&'a Name>) {
        for selection in set {
            match selection {
                Selection::Field(field) => self.field(field, parent),
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.directives);
                    if let Some(condition) = &fragment.type_condition {
                        self.type_name(condition, None, is_composite);
                    }
                    self.selections(&fragment.selection_set, fragment.type_condition.as_ref().or(parent));
                }
                Selection::FragmentSpread(spread) => self.directives(&spread.directives),
            }
        }
    }

    fn field(&mut self, field: &'a Node<Field>, parent: Option<&'a Name>) {
        self.directives(&field.directives);
        let definition = parent.and_then(|parent| self.types.field(parent, &field.name));
        let Some(definition) = definition else {
            if let Some(parent) = parent {
                let hint =
                    self.fragments_with(parent, &field.name).or_else(|| self.names(&field.name, self.fields(parent)));
                self.record([field.name.location(), field.location()], hint);
            }
            self.selections(field.selection_set.as_deref().unwrap_or_default(), None);
            return;
        };
        self.arguments(&field.arguments, &definition.arguments);
        let inner = definition.ty.inner_named_type();
        self.selections(field.selection_set.as_deref().unwrap_or_default(), Some(inner));
    }

    fn fields(&self, type_name: &str) -> Vec<&'a Name> {
        match self.types.get(type_name) {
            Some(ExtendedType::Object(object)) => object.fields.keys().collect(),
            Some(ExtendedType::Interface(interface)) => interface.fields.keys().collect(),
            _ => Vec::new(),
        }
    }

    /// Possible types of the parent that have the field.
    fn fragments_with(&self, parent: &str, field: &str) -> Option<String> {
        let possible = self.types.possible(parent)?;
        let having = possible.iter().filter(|object| self.types.field(object, field).is_some());
        let names: Vec<&str> = having.take(SUGGESTIONS_LIMIT).map(Name::as_str).collect();
        (!names.is_empty()).then(|| format!(" Did you mean to use an inline fragment on {}?", either(&names)))
    }

    fn directives(&mut self, directives: &'a DirectiveList) {
        for directive in directives {
            let definitions = &self.types.schema().directive_definitions;
            if let Some(definition) = definitions.get(&directive.name) {
                self.arguments(&directive.arguments, &definition.arguments);
            } else {
                let hint = self.names(&directive.name, definitions.keys());
                self.record([directive.name.location(), directive.location()], hint);
            }
        }
    }

    fn arguments(&mut self, given: &'a [Node<Argument>], known: &'a [Node<InputValueDefinition>]) {
        for argument in given {
            if let Some(definition) = known.iter().find(|definition| definition.name == argument.name) {
                self.value(&definition.ty, &argument.value);
            } else {
                let hint = self.names(&argument.name, known.iter().map(|definition| &definition.name));
                self.record([argument.name.location(), argument.location()], hint);
            }
        }
    }

    fn value(&mut self, ty: &Type, value: &'a Node<Value>) {
        if let Value::List(items) = &**value {
            for item in items {
                self.value(ty.item_type(), item);
            }
            return;
        }
        match (self.types.get(ty.inner_named_type()), &**value) {
            (Some(ExtendedType::Enum(definition)), Value::Enum(name)) if !definition.values.contains_key(name) => {
                let hint = self.names(name, definition.values.keys());
                self.record([name.location(), value.location()], hint);
            }
            // A quoted enum value.
            (Some(ExtendedType::Enum(definition)), Value::String(text)) => {
                let hint = self.names(text, definition.values.keys());
                self.record([value.location(), None], hint);
            }
            (Some(ExtendedType::InputObject(input)), Value::Object(fields)) => {
                for (name, inner) in fields {
                    if let Some(field) = input.fields.get(name) {
                        self.value(&field.ty, inner);
                    } else {
                        let hint = self.names(name, input.fields.keys());
                        self.record([name.location(), inner.location()], hint);
                    }
                }
            }
            _ => {}
        }
    }

    fn type_name(&mut self, name: &'a Name, owner: Option<SourceSpan>, fits: impl Fn(&ExtendedType) -> bool) {
        if self.types.get(name).is_none() {
            let types = self.types.schema().types.iter();
            let hint = self.names(name, types.filter(|(_, known)| fits(known)).map(|(name, _)| name));
            self.record([name.location(), owner], hint);
        }
    }

    /// The nearest known names. Limited to the number of reported errors.
    fn names(&mut self, wrong: &str, known: impl IntoIterator<Item = &'a Name>) -> Option<String> {
        self.looked_up += 1;
        if self.looked_up > ERRORS_LIMIT || wrong.len() > NAME_BYTES_LIMIT {
            return None;
        }
        let most = wrong.chars().count() * 2 / 5 + 1;
        let lower = wrong.to_lowercase();
        let near = |name: &'a Name| strsim::osa_distance(&lower, &name.to_lowercase());
        let mut near: Vec<(usize, &str)> = known.into_iter().map(|name| (near(name), name.as_str())).collect();
        near.retain(|(distance, _)| *distance <= most);
        near.sort_unstable();
        let names: Vec<&str> = near.into_iter().take(SUGGESTIONS_LIMIT).map(|(_, name)| name).collect();
        (!names.is_empty()).then(|| format!(" Did you mean {}?", either(&names)))
    }

    fn record(&mut self, places: [Option<SourceSpan>; 2], hint: Option<String>) {
        let Some(hint) = hint else { return };
        for place in places.into_iter().flatten() {
            self.found.entry(place.offset()).or_insert_with(|| hint.clone());
        }
    }
}

/// `"a"`, `"a" or "b"`, `"a", "b" or "c"`.
fn either(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
