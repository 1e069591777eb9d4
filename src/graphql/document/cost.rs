//! The cost walk: one look at a parsed document that tells how large its execution can become.
//!
//! Each fragment is walked once and its figures are kept, so the walk takes as long as the document is, however often
//! fragments are spread. Sizes of pages are known where they stand (`first`, `last`, a list of ids), so what lies
//! inside a connection is counted apart (`Figures::paged`) until the page's size is known.
//!
//! Introspection is exempt from depth and cost, or GraphiQL would not work; its own lists inside lists are bounded by
//! what a full introspection asks.

use std::collections::HashMap;

use async_graphql::parser::types::{
    BaseType, Directive, ExecutableDocument, Field as Selected, OperationDefinition, OperationType, Selection,
    SelectionSet, Type,
};
use async_graphql::{Name, Positioned, Variables};

use super::limits::{Limits, NESTING, check};
use super::sizes::{LIST_GUESS, Sizes, introspection_list};
use super::types::{Field, Output, SchemaTypes};
use super::values::{Literals, variables_in};
use crate::error::{AppError, AppResult, ErrorCode};

/// What a full introspection asks of a type is about 2,800 by this walk's own count.
const INTROSPECTION_PER_TYPE: u64 = 6000;

const FIELDS: &str = "fields, with fragments written out";

/// What a document was found to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// A page's size stands in a variable: with other variables the cost is another.
    pub varies: bool,
    /// How often variables are used, fragments written out.
    pub uses: u64,
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
    /// Uses of variables.
    uses: u64,
}

impl Figures {
    fn join(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.fixed = self.fixed.saturating_add(other.fixed);
        self.paged = self.paged.saturating_add(other.paged);
        self.introspection = self.introspection.saturating_add(other.introspection);
        self.uses = self.uses.saturating_add(other.uses);
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
    let (mut fields, mut verdict) = (0_u64, Verdict::default());
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let mut walk = Walk::new((document, Some(operation)), types, limits, variables);
        let figures = walk.operation(operation)?;
        fields = fields.saturating_add(figures.fields);
        check(fields, limits.fields, FIELDS)?;
        check(figures.fixed, limits.cost, "values in the answer (cost: fields times the sizes of their pages)")?;
        let introspection = INTROSPECTION_PER_TYPE.saturating_mul(types.count() as u64 + 50);
        check(figures.introspection, u32::try_from(introspection).unwrap_or(u32::MAX), "values of introspection")?;
        check(walk.aliases, limits.aliases, "aliases")?;
        verdict.varies |= walk.sizes.varied();
        verdict.uses = verdict.uses.max(figures.uses);
    }
    // Fragments that nothing spreads are still validated.
    let mut walk = Walk::new((document, None), types, limits, variables);
    for name in document.fragments.keys() {
        check(walk.fragment(name, 1)?.fields, limits.fields, FIELDS)?;
    }
    check(walk.aliases, limits.aliases, "aliases")?;
    Ok(verdict)
}

fn invalid(message: String) -> AppError {
    AppError::Request(ErrorCode::GraphqlValidationFailed, message)
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    types: &'a SchemaTypes,
    limits: &'a Limits,
    literals: Literals<'a>,
    sizes: Sizes<'a>,
    /// Figures of the fragments walked so far; none while it is being walked.
    fragments: HashMap<&'a Name, Option<Figures>>,
    aliases: u64,
}

impl<'a> Walk<'a> {
    fn new(
        (document, operation): (&'a ExecutableDocument, Option<&'a OperationDefinition>),
        types: &'a SchemaTypes,
        limits: &'a Limits,
        variables: &'a Variables,
    ) -> Self {
        let (literals, sizes) = (Literals { types, operation }, Sizes::new(operation, variables));
        Self { document, types, limits, literals, sizes, fragments: HashMap::new(), aliases: 0 }
    }

    fn operation(&mut self, operation: &'a OperationDefinition) -> AppResult<Figures> {
        let root = self.types.root(operation.ty).map_or(Parent::Unknown, Parent::Known);
        let set = &operation.selection_set.node;
        let figures = self.selections(set, root, 1)?;
        check(self.roots(set, operation.ty)?, self.limits.root_fields, "root fields")?;
        check(figures.height, self.limits.nesting, NESTING)?;
        check(figures.depth, self.limits.depth, "fields inside each other (depth)")?;
        Ok(figures)
    }

    /// `level` is how deep the walk itself stands, which never exceeds the limit of nesting.
    fn selections(&mut self, set: &'a SelectionSet, parent: Parent<'a>, level: u64) -> AppResult<Figures> {
        check(level, self.limits.nesting, NESTING)?;
        let mut sum = Figures::default();
        for selection in &set.items {
            for directive in selection.node.directives() {
                sum.uses = sum.uses.saturating_add(self.directive(&directive.node)?);
            }
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
            // The engine would walk its way through all that leads here, fragment by fragment.
            return Err(invalid(format!("Unknown fragment \"{name}\".")));
        };
        match self.fragments.get(name) {
            Some(Some(figures)) => return Ok(*figures),
            Some(None) => {
                return Err(invalid(format!("The fragment \"{name}\" spreads itself.")));
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
        let uses = self.arguments(field, definition)?;
        let set: &Positioned<SelectionSet> = &field.selection_set;
        let leaf = Figures { height: 0, ..Figures::default() };
        let below = if set.node.items.is_empty() { leaf } else { self.selections(&set.node, inside, level + 1)? };
        let mut figures = Figures { fields: below.fields.saturating_add(1), height: below.height, ..leaf };
        figures.uses = below.uses.saturating_add(uses);
        if matches!(inside, Parent::Introspection) {
            let times =
                if matches!(parent, Parent::Introspection) { introspection_list(name, self.types.count()) } else { 1 };
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

    /// Checks a field's arguments, of which the engine checks little, and counts the variables in them.
    fn arguments(&self, field: &Selected, definition: Option<&Field>) -> AppResult<u64> {
        let mut uses = 0_u64;
        for (name, value) in &field.arguments {
            // Of a `__typename`, the engine checks nothing.
            if field.name.node == "__typename" {
                return Err(invalid(format!("Unknown argument \"{}\" on field \"__typename\".", name.node)));
            }
            uses = uses.saturating_add(variables_in(&value.node));
            let Some(argument) = definition.and_then(|definition| definition.arguments.get(&name.node)) else {
                continue;
            };
            if let Some(problem) = self.literals.problem(&argument.ty, argument.has_default, &value.node) {
                return Err(invalid(format!("Argument \"{}\" of \"{}\": {problem}.", name.node, field.name.node)));
            }
        }
        Ok(uses)
    }

    /// Checks `@skip` and `@include`; other directives are unknown, and the engine says so.
    fn directive(&self, directive: &Directive) -> AppResult<u64> {
        let uses = directive.arguments.iter().map(|(_, value)| variables_in(&value.node)).sum();
        if matches!(directive.name.node.as_str(), "skip" | "include") {
            let boolean = Type { base: BaseType::Named(Name::new("Boolean")), nullable: false };
            let problem = match directive.get_argument("if") {
                None => Some("it has no argument \"if\"".to_owned()),
                Some(value) => self.literals.problem(&boolean, false, &value.node),
            };
            if let Some(problem) = problem {
                return Err(invalid(format!("Directive \"@{}\": {problem}.", directive.name.node)));
            }
        }
        Ok(uses)
    }

    /// Fields at the root of an operation, fragments written out; none is walked twice for it.
    fn roots(&self, set: &'a SelectionSet, operation: OperationType) -> AppResult<u64> {
        let mut known: HashMap<&Name, u64> = HashMap::new();
        let counted = self.count_roots(set, &mut known);
        if operation == OperationType::Subscription && counted > 1 {
            return Err(invalid("A subscription has exactly one root field.".to_owned()));
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
