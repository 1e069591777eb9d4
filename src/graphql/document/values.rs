//! The values of variables, checked against the schema before anything runs; and what the engine's own validation
//! lets through among literals.

use std::collections::HashSet;

use async_graphql::parser::types::{BaseType, OperationDefinition, Type};
use async_graphql::{Value as ConstValue, Variables};
use async_graphql_value::Value;

use super::types::{Kind, SchemaTypes, named};
use crate::error::{AppError, AppResult, ErrorCode};

/// How the engine writes a file of a multipart request into the variables.
const FILE: &str = "#__graphql_file__:";

/// Refuses variables of a type that is no input type; the engine would panic over them.
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
    let mut check = Check { types, files, used: HashSet::new(), path: String::new() };
    for definition in &operation.variable_definitions {
        let (name, ty) = (&definition.node.name.node, &definition.node.var_type.node);
        check.path = format!("${name}");
        let problem = match variables.get(name) {
            Some(value) => check.value(ty, value).err(),
            None if ty.nullable || definition.node.default_value.is_some() => None,
            None => Some(format!("of the type {ty} is required")),
        };
        if let Some(problem) = problem {
            return Err(AppError::bad_input(format!("The variable {} {problem}.", check.path)));
        }
    }
    Ok(())
}

struct Check<'a> {
    types: &'a SchemaTypes,
    files: usize,
    used: HashSet<usize>,
    /// Where in the variable, for the message.
    path: String,
}

impl Check<'_> {
    fn inside(&mut self, step: &str, ty: &Type, value: &ConstValue) -> Result<(), String> {
        let length = self.path.len();
        self.path.push_str(step);
        self.value(ty, value)?;
        self.path.truncate(length);
        Ok(())
    }

    fn value(&mut self, ty: &Type, value: &ConstValue) -> Result<(), String> {
        if *value == ConstValue::Null {
            return if ty.nullable { Ok(()) } else { Err(format!("of the type {ty} can't be null")) };
        }
        match (&ty.base, value) {
            (BaseType::List(inner), ConstValue::List(items)) => {
                items.iter().enumerate().try_for_each(|(at, item)| self.inside(&format!("[{at}]"), inner, item))
            }
            // A single value stands for a list of one.
            (BaseType::List(inner), single) => self.value(inner, single),
            (BaseType::Named(name), value) => self.named(name, value),
        }
    }

    fn named(&mut self, name: &str, value: &ConstValue) -> Result<(), String> {
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
        if fits { Ok(()) } else { Err(format!("is no {name}")) }
    }

    fn input(&mut self, name: &str, value: &ConstValue) -> Result<(), String> {
        let types = self.types;
        let (Some(Kind::Input(input)), ConstValue::Object(given)) = (types.get(name), value) else {
            return Err(format!("is no {name}"));
        };
        if let Some(unknown) = given.keys().find(|field| !input.fields.contains_key(*field)) {
            return Err(format!("has the field {unknown:?}, which {name} does not have"));
        }
        if input.one_of && (given.len() != 1 || given.values().any(|value| *value == ConstValue::Null)) {
            return Err(format!("of the type {name} takes exactly one field that is not null"));
        }
        for (field, argument) in &input.fields {
            match given.get(field) {
                Some(value) => self.inside(&format!(".{field}"), &argument.ty, value)?,
                None if argument.ty.nullable || argument.has_default || input.one_of => {}
                None => return Err(format!("lacks the field {field:?} of the type {}", argument.ty)),
            }
        }
        Ok(())
    }

    fn file(&mut self, value: &ConstValue) -> Result<(), String> {
        let number = match value {
            ConstValue::String(text) => text.strip_prefix(FILE).and_then(|number| number.parse::<usize>().ok()),
            _ => None,
        };
        match number {
            Some(number) if number < self.files && self.used.insert(number) => Ok(()),
            _ => Err("is no file of this request: send it as multipart/form-data, each file in one place".into()),
        }
    }
}

fn is_built_in(name: &str) -> bool {
    matches!(name, "Int" | "Float" | "String" | "Boolean" | "ID")
}

fn fits_int(number: &async_graphql::Number) -> bool {
    number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
}

/// What is wrong with a literal, of what the engine would only find while executing: an `Int` out of range, and a text
/// in the place of a file.
#[must_use]
pub fn literal_problem(types: &SchemaTypes, ty: &Type, value: &Value) -> Option<String> {
    match (&ty.base, value) {
        (BaseType::List(inner), Value::List(items)) => {
            items.iter().find_map(|item| literal_problem(types, inner, item))
        }
        (BaseType::List(inner), single) => literal_problem(types, inner, single),
        (BaseType::Named(name), Value::Number(number)) if name == "Int" && !fits_int(number) => {
            Some(format!("{number} is no Int, which has 32 bits"))
        }
        (BaseType::Named(name), Value::String(_)) if name == "Upload" => {
            Some("a file can only be given by a variable".to_owned())
        }
        (BaseType::Named(name), Value::Object(given)) => {
            let Some(Kind::Input(input)) = types.get(name) else { return None };
            given.iter().find_map(|(field, value)| literal_problem(types, &input.fields.get(field)?.ty, value))
        }
        _ => None,
    }
}
