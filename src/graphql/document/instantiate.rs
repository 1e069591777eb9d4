//! Substitution of variables in a normal form.

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, InlineFragment, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Positioned, Variables};
use async_graphql_value::Value;

/// Substitutes variables. Without a value, an argument or input field is omitted, so that its default applies; a list item
/// becomes null.
#[must_use]
pub fn instantiate(operation: &OperationDefinition, variables: &Variables) -> OperationDefinition {
    OperationDefinition {
        ty: operation.ty,
        variable_definitions: Vec::new(),
        directives: Vec::new(),
        selection_set: set(&operation.selection_set, variables),
    }
}

fn set(selections: &Positioned<SelectionSet>, variables: &Variables) -> Positioned<SelectionSet> {
    let items = selections.node.items.iter().map(|selection| {
        let node = match &selection.node {
            Selection::Field(field) => Selection::Field(Positioned::new(one(&field.node, variables), field.pos)),
            Selection::InlineFragment(fragment) => {
                let inner = InlineFragment {
                    type_condition: fragment.node.type_condition.clone(),
                    directives: Vec::new(),
                    selection_set: set(&fragment.node.selection_set, variables),
                };
                Selection::InlineFragment(Positioned::new(inner, fragment.pos))
            }
            // Not in a normal form.
            Selection::FragmentSpread(spread) => Selection::FragmentSpread(spread.clone()),
        };
        Positioned::new(node, selection.pos)
    });
    Positioned::new(SelectionSet { items: items.collect() }, selections.pos)
}

fn one(field: &Field, variables: &Variables) -> Field {
    let argument = |(name, argument): &(Positioned<_>, Positioned<Value>)| {
        Some((name.clone(), Positioned::new(value(&argument.node, variables)?, argument.pos)))
    };
    Field {
        alias: field.alias.clone(),
        name: field.name.clone(),
        arguments: field.arguments.iter().filter_map(argument).collect(),
        directives: Vec::new(),
        selection_set: set(&field.selection_set, variables),
    }
}

fn value(literal: &Value, variables: &Variables) -> Option<Value> {
    Some(match literal {
        Value::Variable(name) => return variables.get(name).cloned().map(async_graphql::Value::into_value),
        Value::List(items) => {
            Value::List(items.iter().map(|item| value(item, variables).unwrap_or(Value::Null)).collect())
        }
        Value::Object(fields) => {
            let field = |(name, inner): (&async_graphql::Name, &Value)| Some((name.clone(), value(inner, variables)?));
            Value::Object(fields.iter().filter_map(field).collect::<IndexMap<_, _>>())
        }
        constant => constant.clone(),
    })
}
