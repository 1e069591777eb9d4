//! Variables: a request's values as the operation's types have them, checked before anything runs.

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

/// How the engine writes a file of a multipart request into the variables.
const FILE: &str = "#__graphql_file__:";

/// The values of an operation's variables, defaults put in. Files are numbered: each may stand in one place.
///
/// # Errors
/// Bad input that names the variable and the place in it.
pub fn coerce(operation: &Operation, types: &SchemaTypes, given: &mut Variables, files: usize) -> AppResult<Variables> {
    let mut coercion = Coercion { types, files, used: HashSet::new() };
    let mut coerced = Variables::default();
    for definition in &operation.variables {
        let name = Name::new(&definition.name);
        let value = coercion
            .variable(definition, given.remove(&name))
            .map_err(|Problem { place, text }| AppError::bad_input(format!("The variable ${name}{place} {text}.")))?;
        if let Some(value) = value {
            coerced.insert(name, value);
        }
    }
    if coercion.used.len() != files {
        return Err(AppError::bad_input("Each file has to stand where the schema has an Upload."));
    }
    Ok(coerced)
}

/// Bytes that the variables take in memory, about.
#[must_use]
pub fn weight(variables: &Variables) -> u64 {
    variables.iter().map(|(name, value)| name.len() as u64 + weight_of(value)).sum()
}

fn weight_of(value: &Value) -> u64 {
    32 + match value {
        Value::String(text) => text.len() as u64,
        Value::List(items) => items.iter().map(weight_of).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| 64 + name.len() as u64 + weight_of(value)).sum(),
        _ => 0,
    }
}

struct Coercion<'a> {
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

impl Coercion<'_> {
    fn variable(&mut self, definition: &VariableDefinition, given: Option<Value>) -> Result<Option<Value>, Problem> {
        match (given, &definition.default_value) {
            (Some(value), _) => self.value(&definition.ty, value).map(Some),
            (None, Some(default)) => Ok(constant(self.types, &definition.ty, default)),
            (None, None) if definition.ty.is_non_null() => {
                Err(Problem::new(format!("of the type {} is required", definition.ty)))
            }
            (None, None) => Ok(None),
        }
    }

    fn value(&mut self, ty: &Type, value: Value) -> Result<Value, Problem> {
        match (ty, value) {
            (Type::NonNullNamed(_) | Type::NonNullList(_), Value::Null) => {
                Err(Problem::new(format!("of the type {ty} can't be null")))
            }
            (_, Value::Null) => Ok(Value::Null),
            (Type::List(inner) | Type::NonNullList(inner), Value::List(items)) => {
                let item = |(at, item)| self.value(inner, item).map_err(|problem| problem.inside(&format!("[{at}]")));
                items.into_iter().enumerate().map(item).collect::<Result<_, _>>().map(Value::List)
            }
            // A single value stands for a list of one.
            (Type::List(inner) | Type::NonNullList(inner), single) => Ok(Value::List(vec![self.value(inner, single)?])),
            (Type::Named(name) | Type::NonNullNamed(name), value) => self.named(name, value),
        }
    }

    fn named(&mut self, name: &str, value: Value) -> Result<Value, Problem> {
        let types = self.types;
        let wrong = || Problem::new(format!("is no {name}"));
        match (name, value) {
            ("Int", Value::Number(number)) => whole(&number).ok_or_else(wrong),
            ("Float", value @ Value::Number(_))
            | ("String" | "ID", value @ Value::String(_))
            | ("Boolean", value @ Value::Boolean(_)) => Ok(value),
            ("ID", Value::Number(number)) if number.is_i64() || number.is_u64() => {
                Ok(Value::String(number.to_string()))
            }
            ("Int" | "Float" | "String" | "ID" | "Boolean", _) => Err(wrong()),
            ("Upload", value) => self.file(value),
            (_, value) => match (types.get(name), value) {
                (Some(ExtendedType::Enum(definition)), Value::String(text)) => {
                    let known = definition.values.contains_key(text.as_str());
                    if known { Ok(Value::Enum(Name::new(text))) } else { Err(wrong()) }
                }
                (Some(ExtendedType::InputObject(input)), value) => self.input(input, value),
                (Some(ExtendedType::Scalar(_)), value) => match scalars::check(name, &value) {
                    Ok(()) => Ok(value),
                    Err(problem) => Err(Problem::new(format!("is no {name}: {problem}"))),
                },
                _ => Err(wrong()),
            },
        }
    }

    fn input(&mut self, input: &InputObjectType, value: Value) -> Result<Value, Problem> {
        let name = &input.name;
        let Value::Object(mut given) = value else { return Err(Problem::new(format!("is no {name}"))) };
        if let Some(unknown) = given.keys().find(|field| !input.fields.contains_key(field.as_str())) {
            return Err(Problem::new(format!("has the field \"{unknown}\", which {name} does not have")));
        }
        let one_of = input.directives.has("oneOf");
        if one_of && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
            return Err(Problem::new(format!("of the type {name} takes exactly one field that is not null")));
        }
        for (field, definition) in &input.fields {
            match given.get_mut(field.as_str()) {
                Some(value) => {
                    let coerced = self.value(&definition.ty, std::mem::take(value));
                    *value = coerced.map_err(|problem| problem.inside(&format!(".{field}")))?;
                }
                None if definition.is_required() => {
                    return Err(Problem::new(format!("lacks the field \"{field}\" of the type {}", definition.ty)));
                }
                None => {}
            }
        }
        Ok(Value::Object(given))
    }

    fn file(&mut self, value: Value) -> Result<Value, Problem> {
        let number = match &value {
            Value::String(text) => text.strip_prefix(FILE).and_then(|number| number.parse::<usize>().ok()),
            _ => None,
        };
        match number {
            Some(number) if number < self.files && self.used.insert(number) => Ok(value),
            _ => {
                Err(Problem::new("is no file of this request: send it as multipart/form-data, each file in one place"))
            }
        }
    }
}

/// A literal without variables; none where it has any, which validation refuses.
fn constant(types: &SchemaTypes, ty: &Type, literal: &Node<apollo_compiler::ast::Value>) -> Option<Value> {
    to_engine(types, Some(ty), literal).into_const()
}

/// An `Int`; JSON has one kind of number, so `2.0` and `2e0` are 2 as well.
fn whole(number: &Number) -> Option<Value> {
    let whole: i32 = if let Some(whole) = number.as_i64() {
        i32::try_from(whole).ok()?
    } else {
        let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
        // Without an exponent; `parse` refuses what is out of range.
        format!("{:.0}", float + 0.0).parse().ok()?
    };
    Some(Value::Number(whole.into()))
}
