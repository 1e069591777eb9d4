//! Values, checked against the schema before anything runs: those of variables, and literals with the variables in
//! them.

use std::collections::HashSet;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{BaseType, OperationDefinition, Type};
use async_graphql::{Name, Value as ConstValue, Variables};
use async_graphql_value::Value;

use super::types::{Input, Kind, SchemaTypes, named};
use crate::error::{AppError, AppResult, ErrorCode};

/// Characters of a literal that a message repeats.
const SHOWN: usize = 40;

/// How the engine writes a file of a multipart request into the variables.
const FILE: &str = "#__graphql_file__:";

/// Refuses variables of a type that is no input type, over which the engine would panic, and defaults that don't fit.
///
/// # Errors
/// A validation error.
pub fn check_definitions(operation: &OperationDefinition, types: &SchemaTypes) -> AppResult<()> {
    for definition in &operation.variable_definitions {
        let name = named(&definition.node.var_type.node);
        let known = is_built_in(name) || matches!(types.get(name), Some(Kind::Scalar | Kind::Enum(_) | Kind::Input(_)));
        if !known {
            let message =
                format!("The variable ${} has the type {name}, which is no input type.", definition.node.name);
            return Err(AppError::Request(ErrorCode::GraphqlValidationFailed, message));
        }
        let default = definition.node.default_value.as_ref().map(|default| default.node.clone().into_value());
        let literals = Literals { types, operation: None };
        let problem = default.and_then(|default| literals.problem(&definition.node.var_type.node, false, &default));
        if let Some(problem) = problem {
            let message = format!("The default of the variable ${}: {problem}.", definition.node.name);
            return Err(AppError::Request(ErrorCode::GraphqlValidationFailed, message));
        }
    }
    Ok(())
}

/// Checks an operation's variables. Files are numbered: each may stand in one place.
///
/// # Errors
/// Bad input that names the variable and the place in it.
pub fn check_variables(
    operation: &OperationDefinition,
    types: &SchemaTypes,
    variables: &Variables,
    files: usize,
) -> AppResult<()> {
    let mut check = Check { types, files, used: HashSet::new() };
    for definition in &operation.variable_definitions {
        let (name, ty) = (&definition.node.name.node, &definition.node.var_type.node);
        let checked = match variables.get(name) {
            Some(value) => check.value(ty, value),
            None if ty.nullable || definition.node.default_value.is_some() => Ok(()),
            None => Err(Problem::new(format!("of the type {ty} is required"))),
        };
        checked
            .map_err(|Problem { place, text }| AppError::bad_input(format!("The variable ${name}{place} {text}.")))?;
    }
    if check.used.len() != files {
        return Err(AppError::bad_input("Each file has to stand where the schema has an Upload."));
    }
    Ok(())
}

struct Check<'a> {
    types: &'a SchemaTypes,
    files: usize,
    used: HashSet<usize>,
}

/// What is wrong, and where in the variable.
struct Problem {
    place: String,
    text: String,
}

impl Problem {
    fn new(text: impl Into<String>) -> Self {
        Self { place: String::new(), text: text.into() }
    }

    fn inside(mut self, step: &str) -> Self {
        self.place.insert_str(0, step);
        self
    }
}

impl Check<'_> {
    fn value(&mut self, ty: &Type, value: &ConstValue) -> Result<(), Problem> {
        if *value == ConstValue::Null {
            return if ty.nullable { Ok(()) } else { Err(Problem::new(format!("of the type {ty} can't be null"))) };
        }
        match (&ty.base, value) {
            (BaseType::List(inner), ConstValue::List(items)) => {
                let check = |(at, item)| self.value(inner, item).map_err(|problem| problem.inside(&format!("[{at}]")));
                items.iter().enumerate().try_for_each(check)
            }
            // A single value stands for a list of one.
            (BaseType::List(inner), single) => self.value(inner, single),
            (BaseType::Named(name), value) => self.named(name, value),
        }
    }

    fn named(&mut self, name: &str, value: &ConstValue) -> Result<(), Problem> {
        let fits = match (name, value) {
            ("Int", ConstValue::Number(number)) => fits_int(number),
            ("Float", ConstValue::Number(_))
            | ("String" | "ID", ConstValue::String(_))
            | ("Boolean", ConstValue::Boolean(_)) => true,
            ("ID", ConstValue::Number(number)) => number.is_i64() || number.is_u64(),
            ("Upload", value) => return self.file(value),
            _ => match (self.types.get(name), value) {
                (Some(Kind::Enum(values)), ConstValue::String(text)) => values.contains(text.as_str()),
                (Some(Kind::Input(_)), value) => return self.input(name, value),
                // Validation asks the scalar itself.
                (Some(Kind::Scalar), _) => true,
                _ => false,
            },
        };
        if fits { Ok(()) } else { Err(Problem::new(format!("is no {name}"))) }
    }

    fn input(&mut self, name: &str, value: &ConstValue) -> Result<(), Problem> {
        let types = self.types;
        let (Some(Kind::Input(input)), ConstValue::Object(given)) = (types.get(name), value) else {
            return Err(Problem::new(format!("is no {name}")));
        };
        if let Some(unknown) = given.keys().find(|field| !input.fields.contains_key(*field)) {
            return Err(Problem::new(format!("has the field \"{unknown}\", which {name} does not have")));
        }
        if input.one_of && (given.len() != 1 || given.values().any(|value| *value == ConstValue::Null)) {
            return Err(Problem::new(format!("of the type {name} takes exactly one field that is not null")));
        }
        for (field, argument) in &input.fields {
            match given.get(field) {
                Some(value) => {
                    self.value(&argument.ty, value).map_err(|problem| problem.inside(&format!(".{field}")))?;
                }
                None if argument.ty.nullable || argument.has_default || input.one_of => {}
                None => return Err(Problem::new(format!("lacks the field \"{field}\" of the type {}", argument.ty))),
            }
        }
        Ok(())
    }

    fn file(&mut self, value: &ConstValue) -> Result<(), Problem> {
        let number = match value {
            ConstValue::String(text) => text.strip_prefix(FILE).and_then(|number| number.parse::<usize>().ok()),
            _ => None,
        };
        match number {
            Some(number) if number < self.files && self.used.insert(number) => Ok(()),
            _ => {
                Err(Problem::new("is no file of this request: send it as multipart/form-data, each file in one place"))
            }
        }
    }
}

fn is_built_in(name: &str) -> bool {
    matches!(name, "Int" | "Float" | "String" | "Boolean" | "ID")
}

fn fits_int(number: &async_graphql::Number) -> bool {
    number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
}

/// How many variables stand in a literal.
#[must_use]
pub fn variables_in(value: &Value) -> u64 {
    match value {
        Value::Variable(_) => 1,
        Value::List(items) => items.iter().map(variables_in).sum(),
        Value::Object(fields) => fields.values().map(variables_in).sum(),
        _ => 0,
    }
}

/// Bytes that the variables take in memory, about.
#[must_use]
pub fn weight(variables: &Variables) -> u64 {
    variables.iter().map(|(name, value)| name.len() as u64 + weight_of(value)).sum()
}

fn weight_of(value: &ConstValue) -> u64 {
    32 + match value {
        ConstValue::String(text) => text.len() as u64,
        ConstValue::List(items) => items.iter().map(weight_of).sum(),
        ConstValue::Object(fields) => {
            fields.iter().map(|(name, value)| 64 + name.len() as u64 + weight_of(value)).sum()
        }
        _ => 0,
    }
}

/// Checks literals, and the variables in them, against the places where they stand. The engine would find most of it
/// only while it executes, and some of it never.
pub struct Literals<'a> {
    /// The schema's types.
    pub types: &'a SchemaTypes,
    /// The operation whose variables these are; none for a fragment that no operation spreads.
    pub operation: Option<&'a OperationDefinition>,
}

impl Literals<'_> {
    /// What is wrong with a value in a place of this type.
    #[must_use]
    pub fn problem(&self, ty: &Type, has_default: bool, value: &Value) -> Option<String> {
        match (&ty.base, value) {
            (_, Value::Variable(name)) => self.variable(ty, has_default, name),
            (_, Value::Null) => (!ty.nullable).then(|| format!("{ty} can't be null")),
            (BaseType::List(inner), Value::List(items)) => {
                items.iter().find_map(|item| self.problem(inner, false, item))
            }
            (BaseType::List(inner), single) => self.problem(inner, false, single),
            (BaseType::Named(name), value) => self.named(name, value),
        }
    }

    fn named(&self, name: &str, value: &Value) -> Option<String> {
        let fits = match (name, value) {
            ("Int", Value::Number(number)) => fits_int(number),
            ("Float", Value::Number(_)) | ("String" | "ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => true,
            ("ID", Value::Number(number)) => number.is_i64() || number.is_u64(),
            ("Upload", _) => return Some("a file can only be given by a variable".to_owned()),
            _ => match (self.types.get(name), value) {
                (Some(Kind::Enum(values)), Value::Enum(name)) => values.contains(name),
                (Some(Kind::Input(input)), Value::Object(given)) => return self.input(name, input, given),
                // Validation asks the scalar itself.
                (Some(Kind::Scalar), _) => true,
                _ => false,
            },
        };
        (!fits).then(|| format!("{} is no {name}", value.to_string().chars().take(SHOWN).collect::<String>()))
    }

    fn input(&self, name: &str, input: &Input, given: &IndexMap<Name, Value>) -> Option<String> {
        if let Some(unknown) = given.keys().find(|field| !input.fields.contains_key(*field)) {
            return Some(format!("{name} has no field \"{unknown}\""));
        }
        if input.one_of {
            return self.one_of(name, input, given);
        }
        input.fields.iter().find_map(|(field, argument)| match given.get(field) {
            Some(value) => self.problem(&argument.ty, argument.has_default, value),
            None if argument.ty.nullable || argument.has_default => None,
            None => Some(format!("{name} needs the field \"{field}\"")),
        })
    }

    /// Exactly one field, and not by a variable that may be null or missing.
    fn one_of(&self, name: &str, input: &Input, given: &IndexMap<Name, Value>) -> Option<String> {
        let mut only = given.iter().filter(|_| given.len() == 1);
        let Some((argument, value)) = only.next().and_then(|(field, value)| Some((input.fields.get(field)?, value)))
        else {
            return Some(format!("{name} takes exactly one field"));
        };
        let required = Type { base: argument.ty.base.clone(), nullable: false };
        self.problem(&required, false, value)
    }

    fn variable(&self, ty: &Type, has_default: bool, name: &Name) -> Option<String> {
        let operation = self.operation?;
        let definition = operation.variable_definitions.iter().find(|definition| definition.node.name.node == *name);
        let Some(definition) = definition else { return Some(format!("the variable ${name} is not defined")) };
        let own = &definition.node.var_type.node;
        let never_null = definition.node.default_value.as_ref().is_some_and(|value| value.node != ConstValue::Null);
        // A default, the variable's or the place's own, stands in for one that was left out.
        let place = Type { base: ty.base.clone(), nullable: ty.nullable || never_null || has_default };
        let problem = || format!("the variable ${name} of the type {own} can't stand where {ty} is needed");
        (!may_stand(own, &place)).then(problem)
    }
}

/// Whether whatever is of the one type may stand in a place of the other.
fn may_stand(own: &Type, place: &Type) -> bool {
    (place.nullable || !own.nullable)
        && match (&own.base, &place.base) {
            (BaseType::List(own), BaseType::List(place)) => may_stand(own, place),
            (BaseType::Named(own), BaseType::Named(place)) => own == place,
            _ => false,
        }
}
