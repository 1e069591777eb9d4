//! Cost analysis of a normal form: an upper bound on the size of its response.
//!
//! The size of a page is known at its field (`first`, `last`, a list of ids), so the cost inside a connection is kept apart
//! (`SelectionCost::paged`) until then. Of alternative type fragments the most expensive counts.
//!
//! Introspection is exempt from cost, or GraphiQL would not work; its nested lists have a limit that allows a full
//! introspection.

use async_graphql::Variables;
use async_graphql::parser::types::{Field as Selected, OperationDefinition, OperationType, Selection, SelectionSet};
use async_graphql_value::Value;

use super::limits::check;
use super::schema::SchemaTypes;
use super::sizes::{Sizes, introspection_list, list_size, surcharge};
use crate::config::limits::DocumentLimits;
use crate::error::AppResult;

/// A full introspection costs about 2,800 per type.
const INTROSPECTION_PER_TYPE: u64 = 6000;

/// Cost of an operation, as far as it matters after the check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DocumentCost {
    /// Whether sizes come from variables: then each request is analysed.
    pub depends_on_variables: bool,
    /// Number of variable uses.
    pub variable_uses: u64,
}

/// Cost of a selection set.
#[derive(Clone, Copy, Debug, Default)]
struct SelectionCost {
    /// Values in the response.
    fixed: u64,
    /// Values in the response per item of the enclosing page.
    paged: u64,
    /// Values of introspection in the response.
    introspection: u64,
    /// Uses of variables.
    variable_uses: u64,
}

/// Analyses a normal form.
///
/// # Errors
/// `QUERY_TOO_EXPENSIVE` over a limit.
pub fn analyse(
    operation: &OperationDefinition,
    types: &SchemaTypes,
    limits: &DocumentLimits,
    variables: &Variables,
) -> AppResult<DocumentCost> {
    let analyzer = CostAnalyzer { types, sizes: Sizes::new(variables) };
    let root = types.root(match operation.ty {
        OperationType::Query => apollo_compiler::ast::OperationType::Query,
        OperationType::Mutation => apollo_compiler::ast::OperationType::Mutation,
        OperationType::Subscription => apollo_compiler::ast::OperationType::Subscription,
    });
    let cost = analyzer.selections(&operation.selection_set.node, root.map_or("", |root| root.as_str()));
    check(cost.fixed, limits.cost, "values in the answer (cost: fields times the sizes of their pages)")?;
    let introspection = INTROSPECTION_PER_TYPE.saturating_mul(types.count() as u64 + 50);
    check(cost.introspection, u32::try_from(introspection).unwrap_or(u32::MAX), "values of introspection")?;
    Ok(DocumentCost { depends_on_variables: analyzer.sizes.used_variables(), variable_uses: cost.variable_uses })
}

struct CostAnalyzer<'a> {
    types: &'a SchemaTypes,
    sizes: Sizes<'a>,
}

impl CostAnalyzer<'_> {
    fn selections(&self, set: &SelectionSet, parent: &str) -> SelectionCost {
        let (mut sum, mut most_expensive) = (SelectionCost::default(), SelectionCost::default());
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let cost = self.field(&field.node, parent);
                    sum.fixed = sum.fixed.saturating_add(cost.fixed);
                    sum.paged = sum.paged.saturating_add(cost.paged);
                    sum.introspection = sum.introspection.saturating_add(cost.introspection);
                    sum.variable_uses = sum.variable_uses.saturating_add(cost.variable_uses);
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map_or(parent, |condition| &condition.node.on.node);
                    let cost = self.selections(&fragment.node.selection_set.node, on);
                    most_expensive.fixed = most_expensive.fixed.max(cost.fixed);
                    most_expensive.paged = most_expensive.paged.max(cost.paged);
                    most_expensive.introspection = most_expensive.introspection.max(cost.introspection);
                    most_expensive.variable_uses = most_expensive.variable_uses.saturating_add(cost.variable_uses);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
        SelectionCost {
            fixed: sum.fixed.saturating_add(most_expensive.fixed),
            paged: sum.paged.saturating_add(most_expensive.paged),
            introspection: sum.introspection.saturating_add(most_expensive.introspection),
            variable_uses: sum.variable_uses.saturating_add(most_expensive.variable_uses),
        }
    }

    fn field(&self, field: &Selected, parent: &str) -> SelectionCost {
        let name = field.name.node.as_str();
        let definition = self.types.field(parent, name);
        let inside = definition.map_or("", |definition| definition.ty.inner_named_type().as_str());
        let below = self.selections(&field.selection_set.node, inside);
        let variable_uses = field.arguments.iter().map(|(_, value)| variables_in(&value.node)).sum::<u64>();
        let mut cost = SelectionCost {
            variable_uses: below.variable_uses.saturating_add(variable_uses),
            ..SelectionCost::default()
        };
        if inside.starts_with("__") || parent.starts_with("__") {
            let times = if parent.starts_with("__") { introspection_list(name, self.types.count()) } else { 1 };
            cost.introspection = times.saturating_mul(below.introspection.saturating_add(1));
            return cost;
        }
        cost.introspection = below.introspection;
        // Fixed values plus those of the page's items.
        let page = self.sizes.page(field, definition);
        let value =
            below.fixed.saturating_add(below.paged.saturating_mul(page)).saturating_add(1 + surcharge(parent, name));
        let is_list = definition.is_some_and(|definition| definition.ty.is_list());
        // `edges` and `nodes` are as long as the page.
        if is_list && parent.ends_with("Connection") {
            cost.paged = value;
        } else if is_list {
            cost.fixed = value.saturating_mul(self.sizes.list(field).unwrap_or_else(|| list_size(parent, name)));
        } else {
            cost.fixed = value;
        }
        cost
    }
}

/// Number of variables in a literal.
fn variables_in(value: &Value) -> u64 {
    match value {
        Value::Variable(_) => 1,
        Value::List(items) => items.iter().map(variables_in).sum(),
        Value::Object(fields) => fields.values().map(variables_in).sum(),
        _ => 0,
    }
}
