//! The cost walk: one look at a parsed document that tells how large its execution can become.
//!
//! Each fragment is walked once and its figures are kept, so the walk takes as long as the document is, however often
//! fragments are spread. Sizes of pages are known where they stand (`first`, `last`, a list of ids), so what lies
//! inside a connection is counted apart ([`Figures::paged`]) until the page's size is known.
//!
//! Introspection is exempt from depth and cost, or GraphiQL would not work; its own lists inside lists are bounded by
//! what a full introspection asks.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Field as Selected, OperationType, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Variables};

use super::limits::{Limits, NESTING, check};
use super::sizes::{LIST_GUESS, Sizes, introspection_list};
use super::types::{Field, Output, SchemaTypes};
use super::values::literal_problem;
use crate::error::{AppError, AppResult, ErrorCode};

/// What a full introspection asks of a type is about 2,800 by this walk's own count.
const INTROSPECTION_PER_TYPE: u64 = 6000;

const FIELDS: &str = "fields, with fragments written out";

/// What a document was found to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// A page's size stands in a variable: with other variables the cost is another.
    pub varies: bool,
}

/// What a selection set, fragments written out, comes to.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    /// Fields.
    fields: u64,
    /// Fields inside each other.
    depth: u64,
    /// Selections inside each other, of fields and fragments alike.
    height: u64,
    /// Values in the answer.
    fixed: u64,
    /// Values in the answer for each item of the page around it.
    paged: u64,
    /// Values in the answer of an introspection.
    introspection: u64,
}

impl Figures {
    fn join(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.fixed = self.fixed.saturating_add(other.fixed);
        self.paged = self.paged.saturating_add(other.paged);
        self.introspection = self.introspection.saturating_add(other.introspection);
        self.depth = self.depth.max(other.depth);
        self.height = self.height.max(other.height);
    }
}

/// What the selections are selected from.
#[derive(Clone, Copy)]
enum Parent<'a> {
    Known(&'a Output),
    /// `__Schema`, `__Type` and what lies in them.
    Introspection,
    /// Nothing of the schema; validation will say so.
    Unknown,
}

/// Walks a document.
///
/// # Errors
/// `QUERY_TOO_EXPENSIVE` when it is over a limit, a validation error when a fragment holds itself.
pub fn walk(
    document: &ExecutableDocument,
    types: &SchemaTypes,
    limits: &Limits,
    variables: &Variables,
) -> AppResult<Verdict> {
    check(document.fragments.len() as u64, limits.fragments, "fragments")?;
    let sizes = Sizes::new(document, variables);
    let mut walk = Walk { document, types, limits, sizes, fragments: HashMap::new(), aliases: 0 };
    let mut fields = 0_u64;
    for (_, operation) in document.operations.iter() {
        let root = types.root(operation.node.ty).map_or(Parent::Unknown, Parent::Known);
        let figures = walk.selections(&operation.node.selection_set.node, root, 1)?;
        check(walk.roots(&operation.node.selection_set.node, operation.node.ty)?, limits.root_fields, "root fields")?;
        check(figures.height, limits.nesting, NESTING)?;
        check(figures.depth, limits.depth, "fields inside each other (depth)")?;
        fields = fields.saturating_add(figures.fields);
        check(fields, limits.fields, FIELDS)?;
        check(figures.fixed, limits.cost, "values in the answer (cost: fields times the sizes of their pages)")?;
        let introspection = INTROSPECTION_PER_TYPE.saturating_mul(types.len() as u64 + 50);
        check(figures.introspection, u32::try_from(introspection).unwrap_or(u32::MAX), "values of introspection")?;
    }
    // Fragments that nothing spreads are still validated.
    for name in document.fragments.keys() {
        fields = fields.max(walk.fragment(name, 1)?.fields);
    }
    check(fields, limits.fields, FIELDS)?;
    check(walk.aliases, limits.aliases, "aliases")?;
    Ok(Verdict { varies: walk.sizes.varied() })
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    types: &'a SchemaTypes,
    limits: &'a Limits,
    sizes: Sizes<'a>,
    /// Figures of the fragments walked so far; none while it is being walked.
    fragments: HashMap<&'a Name, Option<Figures>>,
    aliases: u64,
}

impl<'a> Walk<'a> {
    /// `level` is how deep the walk itself stands, which never exceeds the limit of nesting.
    fn selections(&mut self, set: &'a SelectionSet, parent: Parent<'a>, level: u64) -> AppResult<Figures> {
        check(level, self.limits.nesting, NESTING)?;
        let mut sum = Figures::default();
        for selection in &set.items {
            sum.join(match &selection.node {
                Selection::Field(field) => self.field(&field.node, parent, level)?,
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let inside = condition.map_or(parent, |condition| self.parent(&condition.node.on.node));
                    self.selections(&fragment.node.selection_set.node, inside, level + 1)?
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node, level + 1)?,
            });
        }
        sum.height += 1;
        Ok(sum)
    }

    fn parent(&self, type_name: &str) -> Parent<'a> {
        if type_name.starts_with("__") {
            return Parent::Introspection;
        }
        self.types.output(type_name).map_or(Parent::Unknown, Parent::Known)
    }

    fn fragment(&mut self, name: &Name, level: u64) -> AppResult<Figures> {
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else {
            return Ok(Figures::default());
        };
        match self.fragments.get(name) {
            Some(Some(figures)) => return Ok(*figures),
            Some(None) => {
                let message = format!("The fragment {name:?} spreads itself.");
                return Err(AppError::Request(ErrorCode::GraphqlValidationFailed, message));
            }
            None => {}
        }
        self.fragments.insert(name, None);
        let parent = self.parent(&fragment.node.type_condition.node.on.node);
        let figures = self.selections(&fragment.node.selection_set.node, parent, level)?;
        self.fragments.insert(name, Some(figures));
        Ok(figures)
    }

    fn field(&mut self, field: &'a Selected, parent: Parent<'a>, level: u64) -> AppResult<Figures> {
        self.aliases += u64::from(field.alias.is_some());
        let name = field.name.node.as_str();
        let definition = match parent {
            Parent::Known(output) => output.fields.get(name),
            _ => None,
        };
        let inside = match (parent, definition) {
            (Parent::Introspection, _) => Parent::Introspection,
            (_, Some(definition)) => self.parent(&definition.type_name),
            (_, None) if matches!(name, "__schema" | "__type") => Parent::Introspection,
            (_, None) => Parent::Unknown,
        };
        Self::check_type_name(field)?;
        self.check_literals(field, definition)?;
        let set: &Positioned<SelectionSet> = &field.selection_set;
        let leaf = Figures { height: 0, ..Figures::default() };
        let below = if set.node.items.is_empty() { leaf } else { self.selections(&set.node, inside, level + 1)? };
        let mut figures = Figures { fields: below.fields.saturating_add(1), height: below.height, ..leaf };
        if matches!(inside, Parent::Introspection) {
            let times =
                if matches!(parent, Parent::Introspection) { introspection_list(name, self.types.len()) } else { 1 };
            figures.introspection = times.saturating_mul(below.introspection.saturating_add(1));
            return Ok(figures);
        }
        figures.depth = below.depth + 1;
        figures.introspection = below.introspection;
        // The page's own values, and those of its items.
        let page = self.sizes.page(field, definition);
        let value = below.fixed.saturating_add(below.paged.saturating_mul(page)).saturating_add(1);
        match (parent, definition) {
            (Parent::Known(Output { is_connection: true, .. }), Some(definition)) if definition.is_list => {
                figures.paged = value;
            }
            (_, Some(definition)) if definition.is_list => {
                let size = self.sizes.list(field).unwrap_or(LIST_GUESS);
                figures.fixed = value.saturating_mul(size);
            }
            _ => figures.fixed = value,
        }
        Ok(figures)
    }

    /// The engine's validation looks into no `__typename`.
    fn check_type_name(field: &Selected) -> AppResult<()> {
        let known = |name: &str| matches!(name, "skip" | "include");
        let unknown = field.directives.iter().map(|directive| &directive.node.name.node).find(|name| !known(name));
        let problem = match (unknown, field.arguments.first()) {
            _ if field.name.node != "__typename" => return Ok(()),
            (Some(directive), _) => format!("Unknown directive \"{directive}\""),
            (None, Some((argument, _))) => format!("Unknown argument \"{}\" on field \"__typename\"", argument.node),
            (None, None) => return Ok(()),
        };
        Err(AppError::Request(ErrorCode::GraphqlValidationFailed, problem))
    }

    fn check_literals(&self, field: &Selected, definition: Option<&Field>) -> AppResult<()> {
        let Some(definition) = definition else { return Ok(()) };
        for (name, value) in &field.arguments {
            let Some(argument) = definition.arguments.get(&name.node) else { continue };
            if let Some(problem) = literal_problem(self.types, &argument.ty, &value.node) {
                let message = format!("The argument {:?} of {:?}: {problem}.", name.node, field.name.node);
                return Err(AppError::Request(ErrorCode::GraphqlValidationFailed, message));
            }
        }
        Ok(())
    }

    /// Fields at the root of an operation, fragments written out; none is walked twice for it.
    fn roots(&self, set: &'a SelectionSet, operation: OperationType) -> AppResult<u64> {
        let mut known: HashMap<&Name, u64> = HashMap::new();
        let counted = self.count_roots(set, &mut known);
        if operation == OperationType::Subscription && counted > 1 {
            let message = "A subscription has exactly one root field.".to_owned();
            return Err(AppError::Request(ErrorCode::GraphqlValidationFailed, message));
        }
        Ok(counted)
    }

    fn count_roots(&self, set: &'a SelectionSet, known: &mut HashMap<&'a Name, u64>) -> u64 {
        let mut sum = 0_u64;
        for selection in &set.items {
            sum = sum.saturating_add(match &selection.node {
                Selection::Field(_) => 1,
                Selection::InlineFragment(fragment) => self.count_roots(&fragment.node.selection_set.node, known),
                Selection::FragmentSpread(spread) => {
                    let found = self.document.fragments.get_key_value(&spread.node.fragment_name.node);
                    let Some((name, fragment)) = found else { continue };
                    if let Some(count) = known.get(name) {
                        *count
                    } else {
                        let count = self.count_roots(&fragment.node.selection_set.node, known);
                        known.insert(name, count);
                        count
                    }
                }
            });
        }
        sum
    }
}
