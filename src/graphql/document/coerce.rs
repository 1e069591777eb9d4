//! Coercion of variables to the types of the operation, before execution.

use std::collections::HashSet;

use apollo_compiler::Node;
use apollo_compiler::ast::{Type, VariableDefinition};
use apollo_compiler::executable::Operation;
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use async_graphql::{Name, Number, Value, Variables};

use super::literals::to_engine;
use super::schema::SchemaTypes;
use crate::error::{AppError, AppResult};
use crate::graphql::scalars;

/// Prefix by which the engine refers to an uploaded file in the variables.
const FILE_MARKER: &str = "#__graphql_file__:";

/// Coerced variables of an operation, with defaults. Files are referred to by number, each exactly once.
///
/// # Errors
/// Bad input with variable and path.
pub fn coerce(
    operation: &Operation,
    types: &SchemaTypes,
    provided: &mut Variables,
    files: usize,
) -> AppResult<Variables> {
    let mut coercion = Coercion { types, files, used_files: HashSet::new() };
    let mut coerced = Variables::default();
    for definition in &operation.variables {
        let name = Name::new(&definition.name);
        let value =
            coercion.variable(definition, provided.remove(&name)).map_err(|CoercionError { path, message }| {
                AppError::bad_input(format!("The variable ${name}{path} {message}."))
            })?;
        if let Some(value) = value {
            coerced.insert(name, value);
        }
    }
    if coercion.used_files.len() != files {
        return Err(AppError::bad_input("Each file has to stand where the schema has an Upload."));
    }
    Ok(coerced)
}

/// Approximate memory of variables, in bytes.
#[must_use]
pub fn approximate_bytes(variables: &Variables) -> u64 {
    variables.iter().map(|(name, value)| name.len() as u64 + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> u64 {
    32 + match value {
        Value::String(text) => text.len() as u64,
        Value::List(items) => items.iter().map(value_bytes).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| 64 + name.len() as u64 + value_bytes(value)).sum(),
        _ => 0,
    }
}

struct Coercion<'a> {
    types: &'a SchemaTypes,
    files: usize,
    used_files: HashSet<usize>,
}

/// A mismatch, and its path in the variable.
struct CoercionError {
    path: String,
    message: String,
}

impl CoercionError {
    fn new(message: impl Into<String>) -> Self {
        Self { path: String::new(), message: message.into() }
    }

    fn inside(mut self, step: &str) -> Self {
        self.path.insert_str(0, step);
        self
    }
}

impl Coercion<'_> {
    fn variable(
        &mut self,
        definition: &VariableDefinition,
        provided: Option<Value>,
    ) -> Result<Option<Value>, CoercionError> {
        match (provided, &definition.default_value) {
            (Some(value), _) => self.value(&definition.ty, value).map(Some),
            (None, Some(default)) => Ok(constant(self.types, &definition.ty, default)),
            (None, None) if definition.ty.is_non_null() => {
                Err(CoercionError::new(format!("of the type {} is required", definition.ty)))
            }
            (None, None) => Ok(None),
        }
    }

    fn value(&mut self, ty: &Type, value: Value) -> Result<Value, CoercionError> {
        match (ty, value) {
            (Type::NonNullNamed(_) | Type::NonNullList(_), Value::Null) => {
                Err(CoercionError::new(format!("of the type {ty} can't be null")))
            }
            (_, Value::Null) => Ok(Value::Null),
            (Type::List(inner) | Type::NonNullList(inner), Value::List(items)) => {
                let item = |(at, item)| self.value(inner, item).map_err(|error| error.inside(&format!("[{at}]")));
                items.into_iter().enumerate().map(item).collect::<Result<_, _>>().map(Value::List)
            }
            // List coercion: a single value is a list of one.
            (Type::List(inner) | Type::NonNullList(inner), single) => Ok(Value::List(vec![self.value(inner, single)?])),
            (Type::Named(name) | Type::NonNullNamed(name), value) => self.named(name, value),
        }
    }

    fn named(&mut self, name: &str, value: Value) -> Result<Value, CoercionError> {
        let types = self.types;
        let mismatch = || CoercionError::new(format!("is no {name}"));
        match (name, value) {
            ("Int", Value::Number(number)) => whole(&number).ok_or_else(mismatch),
            ("Float", value @ Value::Number(_))
            | ("String" | "ID", value @ Value::String(_))
            | ("Boolean", value @ Value::Boolean(_)) => Ok(value),
            ("ID", Value::Number(number)) if number.is_i64() || number.is_u64() => {
                Ok(Value::String(number.to_string()))
            }
            ("Int" | "Float" | "String" | "ID" | "Boolean", _) => Err(mismatch()),
            ("Upload", value) => self.file(value),
            (_, value) => match (types.get(name), value) {
                (Some(ExtendedType::Enum(definition)), Value::String(text)) => {
                    let known = definition.values.contains_key(text.as_str());
                    if known { Ok(Value::Enum(Name::new(text))) } else { Err(mismatch()) }
                }
                (Some(ExtendedType::InputObject(input)), value) => self.input(input, value),
                (Some(ExtendedType::Scalar(_)), value) => match scalars::check(name, &value) {
                    Ok(()) => Ok(value),
                    Err(error) => Err(CoercionError::new(format!("is no {name}: {error}"))),
                },
                _ => Err(mismatch()),
            },
        }
    }

    fn input(&mut self, input: &InputObjectType, value: Value) -> Result<Value, CoercionError> {
        let name = &input.name;
        let Value::Object(mut provided) = value else { return Err(CoercionError::new(format!("is no {name}"))) };
        if let Some(unknown) = provided.keys().find(|field| !input.fields.contains_key(field.as_str())) {
            return Err(CoercionError::new(format!("has the field \"{unknown}\", which {name} does not have")));
        }
        let one_of = input.directives.has("oneOf");
        if one_of && (provided.len() != 1 || provided.values().any(|value| *value == Value::Null)) {
            return Err(CoercionError::new(format!("of the type {name} takes exactly one field that is not null")));
        }
        for (field, definition) in &input.fields {
            match provided.get_mut(field.as_str()) {
                Some(value) => {
                    let coerced = self.value(&definition.ty, std::mem::take(value));
                    *value = coerced.map_err(|error| error.inside(&format!(".{field}")))?;
                }
                None if definition.is_required() => {
                    return Err(CoercionError::new(format!(
                        "lacks the field \"{field}\" of the type {}",
                        definition.ty
                    )));
                }
                None => {}
            }
        }
        Ok(Value::Object(provided))
    }

    fn file(&mut self, value: Value) -> Result<Value, CoercionError> {
        let number = match &value {
            Value::String(text) => text.strip_prefix(FILE_MARKER).and_then(|number| number.parse::<usize>().ok()),
            _ => None,
        };
        match number {
            Some(number) if number < self.files && self.used_files.insert(number) => Ok(value),
            _ => Err(CoercionError::new(
                "is no file of this request: send it as multipart/form-data, each file in one place",
            )),
        }
    }
}

/// A constant literal; none if it has variables, which validation rejects.
fn constant(types: &SchemaTypes, ty: &Type, literal: &Node<apollo_compiler::ast::Value>) -> Option<Value> {
    to_engine(types, Some(ty), literal).into_const()
}

/// An `Int`; `2.0` and `2e0` are accepted, as JSON has one number type.
fn whole(number: &Number) -> Option<Value> {
    let whole: i32 = if let Some(whole) = number.as_i64() {
        i32::try_from(whole).ok()?
    } else {
        let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
        // Formatted without an exponent; `parse` checks the range.
        format!("{:.0}", float + 0.0).parse().ok()?
    };
    Some(Value::Number(whole.into()))
}
