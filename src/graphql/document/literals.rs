//! Literals: traversal, checks of custom scalars, conversion to values of the engine.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::Node;
use apollo_compiler::ast::{Argument, Definition, DirectiveList, Document, Selection, Type, Value};
use apollo_compiler::executable;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::ExtendedType;
use async_graphql::Name;
use async_graphql::indexmap::IndexMap;
use async_graphql_value::{Number, Value as EngineValue};

use super::schema::SchemaTypes;
use crate::graphql::scalars;

/// Visits every literal of a document, nested ones included.
pub fn each_value<'a>(document: &'a Document, visit: &mut impl FnMut(&'a Node<Value>)) {
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                for variable in &operation.variables {
                    if let Some(default) = &variable.default_value {
                        each_inside(default, visit);
                    }
                    in_directives(&variable.directives, visit);
                }
                in_directives(&operation.directives, visit);
                in_selections(&operation.selection_set, visit);
            }
            Definition::FragmentDefinition(fragment) => {
                in_directives(&fragment.directives, visit);
                in_selections(&fragment.selection_set, visit);
            }
            _ => {}
        }
    }
}

fn in_selections<'a>(set: &'a [Selection], visit: &mut impl FnMut(&'a Node<Value>)) {
    for selection in set {
        match selection {
            Selection::Field(field) => {
                in_arguments(&field.arguments, visit);
                in_directives(&field.directives, visit);
                in_selections(field.selection_set.as_deref().unwrap_or_default(), visit);
            }
            Selection::InlineFragment(fragment) => {
                in_directives(&fragment.directives, visit);
                in_selections(&fragment.selection_set, visit);
            }
            Selection::FragmentSpread(spread) => in_directives(&spread.directives, visit),
        }
    }
}

fn in_directives<'a>(directives: &'a DirectiveList, visit: &mut impl FnMut(&'a Node<Value>)) {
    for directive in directives {
        in_arguments(&directive.arguments, visit);
    }
}

fn in_arguments<'a>(arguments: &'a [Node<Argument>], visit: &mut impl FnMut(&'a Node<Value>)) {
    for argument in arguments {
        each_inside(&argument.value, visit);
    }
}

fn each_inside<'a>(value: &'a Node<Value>, visit: &mut impl FnMut(&'a Node<Value>)) {
    visit(value);
    match &**value {
        Value::List(items) => items.iter().for_each(|item| each_inside(item, visit)),
        Value::Object(fields) => fields.iter().for_each(|(_, value)| each_inside(value, visit)),
        _ => {}
    }
}

/// Message and location.
pub type LiteralError = (String, Option<SourceSpan>);

/// Invalid literals of custom scalars, which the library does not check.
pub fn check_scalars(document: &ExecutableDocument, types: &SchemaTypes) -> Vec<LiteralError> {
    let mut checker = ScalarChecker { types, errors: Vec::new() };
    for operation in document.operations.iter() {
        for variable in &operation.variables {
            if let Some(default) = &variable.default_value {
                checker.value(&variable.ty, default);
            }
        }
        checker.selections(&operation.selection_set);
    }
    for fragment in document.fragments.values() {
        checker.selections(&fragment.selection_set);
    }
    checker.errors
}

struct ScalarChecker<'a> {
    types: &'a SchemaTypes,
    errors: Vec<LiteralError>,
}

impl ScalarChecker<'_> {
    fn selections(&mut self, set: &executable::SelectionSet) {
        for selection in &set.selections {
            match selection {
                executable::Selection::Field(field) => {
                    for argument in &field.arguments {
                        if let Some(definition) = field.definition.argument_by_name(&argument.name) {
                            self.value(&definition.ty, &argument.value);
                        }
                    }
                    if let Some(set) = &field.selection_set {
                        self.selections(set);
                    }
                }
                executable::Selection::InlineFragment(fragment) => self.selections(&fragment.selection_set),
                executable::Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn value(&mut self, ty: &Type, value: &Node<Value>) {
        match (&**value, ty) {
            (Value::Null | Value::Variable(_), _) => {}
            (Value::List(items), Type::List(inner) | Type::NonNullList(inner)) => {
                for item in items {
                    self.value(inner, item);
                }
            }
            (_, Type::List(inner) | Type::NonNullList(inner)) => self.value(inner, value),
            (_, Type::Named(name) | Type::NonNullNamed(name)) => match (self.types.get(name), &**value) {
                (Some(ExtendedType::InputObject(input)), Value::Object(fields)) => {
                    for (name, value) in fields {
                        if let Some(field) = input.fields.get(name) {
                            self.value(&field.ty, value);
                        }
                    }
                }
                (Some(ExtendedType::Scalar(scalar)), _) if !scalar.is_built_in() => {
                    // A JSON literal with variables is checked at coercion.
                    let Ok(constant) = to_engine(self.types, None, value).into_const_with(|_| Err(())) else { return };
                    if let Err(problem) = scalars::check(name, &constant) {
                        self.errors.push((format!("{name} cannot represent this value: {problem}."), value.location()));
                    }
                }
                _ => {}
            },
        }
    }
}

/// Converts a literal of a type; without one, of a custom scalar's content.
pub fn to_engine(types: &SchemaTypes, ty: Option<&Type>, value: &Node<Value>) -> EngineValue {
    let inner = match ty {
        Some(Type::List(inner) | Type::NonNullList(inner)) => Some(&**inner),
        other => other,
    };
    let named = ty.map(|ty| ty.inner_named_type().as_str());
    match &**value {
        Value::Null => EngineValue::Null,
        Value::Enum(name) => EngineValue::Enum(Name::new(name)),
        Value::Variable(name) => EngineValue::Variable(Name::new(name)),
        Value::String(text) => EngineValue::String(text.clone()),
        Value::Boolean(boolean) => EngineValue::Boolean(*boolean),
        // Ids may be integers.
        Value::Int(number) if named == Some("ID") => EngineValue::String(number.as_str().to_owned()),
        Value::Int(number) => whole_number(number.as_str()),
        Value::Float(number) => decimal_number(number.as_str()),
        Value::List(items) => EngineValue::List(items.iter().map(|item| to_engine(types, inner, item)).collect()),
        Value::Object(fields) => {
            let input = named.and_then(|name| types.get(name)).and_then(ExtendedType::as_input_object);
            let field = |(name, value): &(apollo_compiler::Name, Node<Value>)| {
                let ty = input.and_then(|input| input.fields.get(name)).map(|field| &*field.ty);
                (Name::new(name), to_engine(types, ty, value))
            };
            EngineValue::Object(fields.iter().map(field).collect::<IndexMap<_, _>>())
        }
    }
}

fn whole_number(text: &str) -> EngineValue {
    match text.parse::<i64>() {
        Ok(number) => EngineValue::Number(number.into()),
        Err(_) => {
            text.parse::<u64>().map_or_else(|_| decimal_number(text), |number| EngineValue::Number(number.into()))
        }
    }
}

/// Out of range becomes null; validation rejects it for built-in scalars.
fn decimal_number(text: &str) -> EngineValue {
    let number = text.parse::<f64>().ok().and_then(Number::from_f64);
    number.map_or(EngineValue::Null, EngineValue::Number)
}
