//! How long the lists of an answer can be, by their arguments.

use std::cell::Cell;

use apollo_compiler::ast::FieldDefinition;
use async_graphql::parser::types::Field as Selected;
use async_graphql::{Name, Value as ConstValue, Variables};
use async_graphql_value::Value;

use crate::page::{DEFAULT_PAGE, LARGEST_PAGE};

/// A list whose length nothing tells is taken to be this long.
pub const LIST_GUESS: u64 = 10;

/// Reads sizes from arguments, literal or variable.
pub struct Sizes<'a> {
    /// Defaults included.
    variables: &'a Variables,
    varied: Cell<bool>,
}

impl<'a> Sizes<'a> {
    /// Sizes with these variables.
    pub fn new(variables: &'a Variables) -> Self {
        Self { variables, varied: Cell::new(false) }
    }

    /// Whether any size came from a variable.
    pub fn varied(&self) -> bool {
        self.varied.get()
    }

    /// The size of the page that a field asks for.
    pub fn page(&self, field: &Selected, definition: Option<&FieldDefinition>) -> u64 {
        let given = ["first", "last"].into_iter().find_map(|name| {
            let size = self.number(&field.get_argument(name)?.node)?;
            Some(size.min(LARGEST_PAGE.into()))
        });
        let first = definition.and_then(|definition| definition.argument_by_name("first"));
        let has_default = first.is_some_and(|first| first.default_value.is_some());
        // A default of the schema's own is at most a whole page.
        given.unwrap_or(u64::from(if has_default { LARGEST_PAGE } else { DEFAULT_PAGE }))
    }

    /// The length of the longest list among a field's arguments: what it returns is as long.
    pub fn list(&self, field: &Selected) -> Option<u64> {
        field.arguments.iter().filter_map(|(_, value)| self.length(&value.node)).max()
    }

    fn number(&self, value: &Value) -> Option<u64> {
        match value {
            Value::Number(number) => number.as_u64(),
            Value::Variable(name) => as_number(self.variable(name)?),
            _ => None,
        }
    }

    fn length(&self, value: &Value) -> Option<u64> {
        match value {
            Value::List(items) => Some(items.len() as u64),
            Value::Variable(name) => as_length(self.variable(name)?),
            _ => None,
        }
    }

    fn variable(&self, name: &Name) -> Option<&ConstValue> {
        self.varied.set(true);
        self.variables.get(name)
    }
}

fn as_number(value: &ConstValue) -> Option<u64> {
    match value {
        ConstValue::Number(number) => number.as_u64(),
        _ => None,
    }
}

fn as_length(value: &ConstValue) -> Option<u64> {
    match value {
        ConstValue::List(items) => Some(items.len() as u64),
        _ => None,
    }
}

/// About how long introspection's own lists are.
pub fn introspection_list(field: &str, types: usize) -> u64 {
    match field {
        "types" => types as u64 + 20,
        "fields" | "inputFields" | "enumValues" | "possibleTypes" | "interfaces" => 10,
        "args" | "directives" => 4,
        _ => 1,
    }
}
