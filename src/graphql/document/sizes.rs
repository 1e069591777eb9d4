//! List sizes for cost analysis, from arguments.

use std::cell::Cell;

use apollo_compiler::ast::FieldDefinition;
use async_graphql::parser::types::Field as Selected;
use async_graphql::{Name, Value as ConstValue, Variables};
use async_graphql_value::Value;

use crate::page::{DEFAULT_PAGE, LARGEST_PAGE};

/// Assumed length of a list without a size argument.
const ASSUMED_LIST_SIZE: u64 = 10;

/// Lists without a size argument that can be much longer, with what is assumed of them.
const LONG_LISTS: &[(&str, &str, u64)] = &[
    ("ActivationCodesPayload", "codes", 100),
    ("Conversation", "readMarkers", 30),
    ("FavoritesPayload", "favorites", 100),
    ("Friendship", "groups", 50),
    ("Friendship", "labels", 20),
    ("GroupInvitePayload", "added", 100),
    ("MembershipChanged", "added", 20),
    ("MembershipChanged", "removed", 20),
    ("Message", "mentions", 20),
    ("Message", "reactions", 20),
    ("Order", "history", 24),
    ("PullMessagesPayload", "messages", 100),
    ("SystemContent", "users", 20),
    ("Ticket", "lines", 20),
    ("Viewer", "friendGroups", 30),
    ("Viewer", "sessions", 100),
];

/// Fields that run a statement for each object they are selected on; each counts as so many values more.
const FIELDS_WITH_STATEMENTS: &[(&str, &str)] = &[
    ("Conversation", "messages"),
    ("FriendGroup", "friends"),
    ("Group", "members"),
    ("Merchant", "groups"),
    ("Merchant", "members"),
    ("Message", "readBy"),
    ("User", "commonGroups"),
];

/// What a statement counts as, in values of the answer.
const STATEMENT_COST: u64 = 100;

/// What the count of a list counts as: mostly a statement as well, which reads no rows.
const COUNT_COST: u64 = 30;

/// Length of a list without a size argument.
pub fn list_size(parent: &str, field: &str) -> u64 {
    let long = LONG_LISTS.iter().find(|(of, name, _)| *of == parent && *name == field);
    long.map_or(ASSUMED_LIST_SIZE, |(.., size)| *size)
}

/// What a field costs beside the values of its answer.
pub fn surcharge(parent: &str, field: &str) -> u64 {
    if FIELDS_WITH_STATEMENTS.contains(&(parent, field)) {
        STATEMENT_COST
    } else if field == "totalCount" && parent.ends_with("Connection") {
        COUNT_COST
    } else {
        0
    }
}

/// Reads sizes from arguments, literal or variable.
pub struct Sizes<'a> {
    /// Defaults included.
    variables: &'a Variables,
    used_variables: Cell<bool>,
}

impl<'a> Sizes<'a> {
    /// Sizes with these variables.
    pub fn new(variables: &'a Variables) -> Self {
        Self { variables, used_variables: Cell::new(false) }
    }

    /// Whether any size came from a variable.
    pub fn used_variables(&self) -> bool {
        self.used_variables.get()
    }

    /// Page size requested by a field.
    pub fn page(&self, field: &Selected, definition: Option<&FieldDefinition>) -> u64 {
        let given = ["first", "last"].into_iter().find_map(|name| {
            let size = self.number(&field.get_argument(name)?.node)?;
            Some(size.min(LARGEST_PAGE.into()))
        });
        let first = definition.and_then(|definition| definition.argument_by_name("first"));
        let has_default = first.is_some_and(|first| first.default_value.is_some());
        // A schema default is at most the largest page.
        given.unwrap_or(u64::from(if has_default { LARGEST_PAGE } else { DEFAULT_PAGE }))
    }

    /// Length of the longest list argument, which bounds the result.
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
        self.used_variables.set(true);
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

/// Assumed lengths of introspection lists.
pub fn introspection_list(field: &str, types: usize) -> u64 {
    match field {
        "types" => types as u64 + 20,
        "fields" | "inputFields" | "enumValues" | "possibleTypes" | "interfaces" => 10,
        "args" | "directives" => 4,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::Schema;
    use apollo_compiler::schema::ExtendedType;

    use super::*;

    /// Lists that are about as short as is assumed of them, and why.
    const SHORT_LISTS: &[(&str, &str, &str)] = &[
        ("Conversation", "participants", "two people"),
        ("Group", "availableActions", "each action once"),
        ("IllegalTransitionError", "allowed", "each state once"),
        ("Item", "availableActions", "each action once"),
        ("Item", "images", "nine images"),
        ("MediaListPayload", "media", "the files of one request"),
        ("Order", "availableActions", "each action once"),
        ("Task", "availableActions", "each action once"),
        ("Task", "images", "nine images"),
    ];

    /// Lists of plain values: nothing that costs a statement is below them, and what a mutation refuses is bounded by its input.
    fn is_of_errors(field: &str) -> bool {
        matches!(field, "userErrors" | "field")
    }

    /// A list that is added to the schema is longer than is assumed of it, or is known not to be.
    #[test]
    fn the_length_of_every_list_is_known() {
        let sdl = include_str!("../../../schema.graphql");
        let schema = Schema::parse_and_validate(sdl, "schema.graphql").unwrap();
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        for (parent, definition) in &schema.types {
            let ExtendedType::Object(object) = definition else { continue };
            if parent.starts_with("__") || parent.ends_with("Connection") {
                continue;
            }
            for (name, field) in &object.fields {
                // Given ids bound their answer.
                let is_sized = field.arguments.iter().any(|argument| argument.ty.is_list() || argument.name == "first");
                if !field.ty.is_list() || is_sized || is_of_errors(name) {
                    continue;
                }
                let place = (parent.as_str(), name.as_str());
                let is_long = LONG_LISTS.iter().any(|(of, name, _)| (*of, *name) == place);
                let is_short = SHORT_LISTS.iter().any(|(of, name, _)| (*of, *name) == place);
                if is_long == is_short {
                    unknown.push(format!("{parent}.{name}"));
                }
                found.push(format!("{parent}.{name}"));
            }
        }
        assert!(
            unknown.is_empty(),
            "say in LONG_LISTS how long these can be, or in SHORT_LISTS why not longer: {unknown:?}"
        );
        let listed = LONG_LISTS.iter().map(|(of, name, _)| (of, name));
        for (of, name) in listed.chain(SHORT_LISTS.iter().map(|(of, name, _)| (of, name))) {
            assert!(found.contains(&format!("{of}.{name}")), "there is no list {of}.{name}");
        }
    }
}
