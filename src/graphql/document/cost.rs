//! The cost walk: one look at a normal form that tells how large its execution can become.
//!
//! Sizes of pages are known where they stand (`first`, `last`, a list of ids), so what lies inside a connection is
//! counted apart (`Figures::paged`) until the page's size is known. Of the fragments that stand for the possible types
//! of one object, the dearest counts.
//!
//! Introspection is exempt from cost, or GraphiQL would not work; its own lists inside lists are bounded by what a full
//! introspection asks.

use async_graphql::Variables;
use async_graphql::parser::types::{Field as Selected, OperationDefinition, OperationType, Selection, SelectionSet};
use async_graphql_value::Value;

use super::limits::check;
use super::schema::SchemaTypes;
use super::sizes::{LIST_GUESS, Sizes, introspection_list};
use crate::config::limits::DocumentLimits;
use crate::error::AppResult;

/// What a full introspection asks of a type is about 2,800 by this walk's own count.
const INTROSPECTION_PER_TYPE: u64 = 6000;

/// What an operation was found to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// A page's size stands in a variable: with other variables the cost is another.
    pub varies: bool,
    /// How often variables are used.
    pub uses: u64,
}

/// What a selection set comes to.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    /// Values in the answer.
    fixed: u64,
    /// Values in the answer for each item of the page around it.
    paged: u64,
    /// Values in the answer of an introspection.
    introspection: u64,
    /// Uses of variables.
    uses: u64,
}

/// Walks a normal form.
///
/// # Errors
/// `QUERY_TOO_EXPENSIVE` when it is over a limit.
pub fn walk(
    operation: &OperationDefinition,
    types: &SchemaTypes,
    limits: &DocumentLimits,
    variables: &Variables,
) -> AppResult<Verdict> {
    let walk = Walk { types, sizes: Sizes::new(variables) };
    let root = types.root(match operation.ty {
        OperationType::Query => apollo_compiler::ast::OperationType::Query,
        OperationType::Mutation => apollo_compiler::ast::OperationType::Mutation,
        OperationType::Subscription => apollo_compiler::ast::OperationType::Subscription,
    });
    let figures = walk.selections(&operation.selection_set.node, root.map_or("", |root| root.as_str()));
    check(figures.fixed, limits.cost, "values in the answer (cost: fields times the sizes of their pages)")?;
    let introspection = INTROSPECTION_PER_TYPE.saturating_mul(types.count() as u64 + 50);
    check(figures.introspection, u32::try_from(introspection).unwrap_or(u32::MAX), "values of introspection")?;
    Ok(Verdict { varies: walk.sizes.varied(), uses: figures.uses })
}

struct Walk<'a> {
    types: &'a SchemaTypes,
    sizes: Sizes<'a>,
}

impl Walk<'_> {
    fn selections(&self, set: &SelectionSet, parent: &str) -> Figures {
        let (mut sum, mut dearest) = (Figures::default(), Figures::default());
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let figures = self.field(&field.node, parent);
                    sum.fixed = sum.fixed.saturating_add(figures.fixed);
                    sum.paged = sum.paged.saturating_add(figures.paged);
                    sum.introspection = sum.introspection.saturating_add(figures.introspection);
                    sum.uses = sum.uses.saturating_add(figures.uses);
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map_or(parent, |condition| &condition.node.on.node);
                    let figures = self.selections(&fragment.node.selection_set.node, on);
                    dearest.fixed = dearest.fixed.max(figures.fixed);
                    dearest.paged = dearest.paged.max(figures.paged);
                    dearest.introspection = dearest.introspection.max(figures.introspection);
                    dearest.uses = dearest.uses.saturating_add(figures.uses);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
        Figures {
            fixed: sum.fixed.saturating_add(dearest.fixed),
            paged: sum.paged.saturating_add(dearest.paged),
            introspection: sum.introspection.saturating_add(dearest.introspection),
            uses: sum.uses.saturating_add(dearest.uses),
        }
    }

    fn field(&self, field: &Selected, parent: &str) -> Figures {
        let name = field.name.node.as_str();
        let definition = self.types.field(parent, name);
        let inside = definition.map_or("", |definition| definition.ty.inner_named_type().as_str());
        let below = self.selections(&field.selection_set.node, inside);
        let uses = field.arguments.iter().map(|(_, value)| variables_in(&value.node)).sum::<u64>();
        let mut figures = Figures { uses: below.uses.saturating_add(uses), ..Figures::default() };
        if inside.starts_with("__") || parent.starts_with("__") {
            let times = if parent.starts_with("__") { introspection_list(name, self.types.count()) } else { 1 };
            figures.introspection = times.saturating_mul(below.introspection.saturating_add(1));
            return figures;
        }
        figures.introspection = below.introspection;
        // The page's own values, and those of its items.
        let page = self.sizes.page(field, definition);
        let value = below.fixed.saturating_add(below.paged.saturating_mul(page)).saturating_add(1);
        let is_list = definition.is_some_and(|definition| definition.ty.is_list());
        // The lists of a page are as long as the page.
        if is_list && parent.ends_with("Connection") {
            figures.paged = value;
        } else if is_list {
            figures.fixed = value.saturating_mul(self.sizes.list(field).unwrap_or(LIST_GUESS));
        } else {
            figures.fixed = value;
        }
        figures
    }
}

/// How many variables stand in a literal.
fn variables_in(value: &Value) -> u64 {
    match value {
        Value::Variable(_) => 1,
        Value::List(items) => items.iter().map(variables_in).sum(),
        Value::Object(fields) => fields.values().map(variables_in).sum(),
        _ => 0,
    }
}
