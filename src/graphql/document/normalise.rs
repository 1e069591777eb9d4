//! Normalisation of a valid document to one operation without directives and named fragments.
//!
//! As `CollectFields` of the specification does: evaluates `@skip` and `@include`, merges selections of one response key,
//! expands fragments. For an abstract type each possible type gets an inline fragment, unless no fragment depends on the
//! concrete type.
//!
//! Merging repeats fields for each possible type, so input steps and output fields are limited.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::{OperationType, Value};
use apollo_compiler::executable::{ExecutableDocument, Field, Operation, Selection, SelectionSet};
use apollo_compiler::{Name, Node};
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types as engine;
use async_graphql::{Pos, Positioned};

use super::literals::to_engine;
use super::positions::Positions;
use super::schema::SchemaTypes;
use crate::error::{AppError, AppResult, ErrorCode};

/// Fields of a normal form.
const FIELDS_LIMIT: u32 = 4000;

/// Selections visited.
const STEPS_LIMIT: u32 = 40_000;

/// Values of the variables in `@skip` and `@include`.
pub type Decisions<'a> = HashMap<&'a str, bool>;

/// Normalises an operation.
///
/// # Errors
/// `QUERY_TOO_EXPENSIVE` if the normal form would be too large.
pub fn normalise<'a>(
    document: &'a ExecutableDocument,
    operation: &'a Operation,
    types: &'a SchemaTypes,
    positions: &'a Positions<'a>,
    decisions: &'a Decisions<'a>,
) -> AppResult<engine::OperationDefinition> {
    let mut normaliser = Normaliser { document, types, positions, decisions, fields: 0, steps: 0 };
    let selection_set = normaliser.set(&operation.selection_set.ty, &[&operation.selection_set], Pos::default())?;
    Ok(engine::OperationDefinition {
        ty: match operation.operation_type {
            OperationType::Query => engine::OperationType::Query,
            OperationType::Mutation => engine::OperationType::Mutation,
            OperationType::Subscription => engine::OperationType::Subscription,
        },
        variable_definitions: Vec::new(),
        directives: Vec::new(),
        selection_set,
    })
}

/// Fields by response key, in order of first occurrence.
type Groups<'a> = IndexMap<&'a Name, Vec<&'a Node<Field>>>;

/// Whether a fragment on a type applies; none if that depends on the concrete type.
type Applies<'f> = dyn Fn(&Name) -> Option<bool> + 'f;

struct Normaliser<'a> {
    document: &'a ExecutableDocument,
    types: &'a SchemaTypes,
    positions: &'a Positions<'a>,
    decisions: &'a Decisions<'a>,
    fields: u32,
    steps: u32,
}

impl<'a> Normaliser<'a> {
    /// Merges selection sets of one type.
    fn set(
        &mut self,
        parent: &'a Name,
        sources: &[&'a SelectionSet],
        pos: Pos,
    ) -> AppResult<Positioned<engine::SelectionSet>> {
        let types = self.types;
        let Some(possible) = types.possible(parent) else {
            let groups = self.collect(sources, &|condition| Some(types.applies(condition, parent)))?;
            return self.merge(parent, &groups.unwrap_or_default(), pos);
        };
        let groups = self.collect(sources, &|condition| {
            let mut applies = possible.iter().map(|object| types.applies(condition, object));
            let first = applies.next()?;
            applies.all(|other| other == first).then_some(first)
        })?;
        let own =
            |groups: &Groups<'a>| groups.values().flatten().all(|field| types.field(parent, &field.name).is_some());
        if let Some(groups) = groups.filter(own) {
            return self.merge(parent, &groups, pos);
        }
        let mut items = Vec::new();
        for object in possible {
            let groups =
                self.collect(sources, &|condition| Some(types.applies(condition, object)))?.unwrap_or_default();
            if groups.is_empty() {
                continue;
            }
            let fragment = engine::InlineFragment {
                type_condition: Some(at(pos, engine::TypeCondition { on: at(pos, engine_name(object)) })),
                directives: Vec::new(),
                selection_set: self.merge(object, &groups, pos)?,
            };
            items.push(at(pos, engine::Selection::InlineFragment(at(pos, fragment))));
        }
        Ok(at(pos, engine::SelectionSet { items }))
    }

    /// `CollectFields`; none if a fragment depends on the concrete type.
    fn collect(&mut self, sources: &[&'a SelectionSet], applies: &Applies<'_>) -> AppResult<Option<Groups<'a>>> {
        let (mut groups, mut visited) = (Groups::new(), HashSet::new());
        for source in sources {
            if !self.collect_from(source, applies, &mut groups, &mut visited)? {
                return Ok(None);
            }
        }
        Ok(Some(groups))
    }

    fn collect_from(
        &mut self,
        set: &'a SelectionSet,
        applies: &Applies<'_>,
        groups: &mut Groups<'a>,
        visited: &mut HashSet<&'a Name>,
    ) -> AppResult<bool> {
        for selection in &set.selections {
            self.steps += 1;
            too_large(self.steps, STEPS_LIMIT)?;
            if self.is_skipped(selection) {
                continue;
            }
            let (condition, inner) = match selection {
                Selection::Field(field) => {
                    groups.entry(field.response_name()).or_default().push(field);
                    continue;
                }
                Selection::InlineFragment(fragment) => (fragment.type_condition.as_ref(), &fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else { continue };
                    if !visited.insert(&spread.fragment_name) {
                        continue;
                    }
                    (Some(fragment.type_condition()), &fragment.selection_set)
                }
            };
            match condition.map_or(Some(true), applies) {
                None => return Ok(false),
                Some(false) => {}
                Some(true) => {
                    if !self.collect_from(inner, applies, groups, visited)? {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    fn is_skipped(&self, selection: &Selection) -> bool {
        let decided = |name: &str, keeps: bool| {
            let condition = selection.directives().get(name)?.specified_argument_by_name("if")?;
            let value = match &**condition {
                Value::Boolean(value) => Some(*value),
                Value::Variable(variable) => self.decisions.get(variable.as_str()).copied(),
                _ => None,
            };
            value.map(|value| value != keeps)
        };
        decided("skip", false) == Some(true) || decided("include", true) == Some(true)
    }

    fn merge(
        &mut self,
        parent: &'a Name,
        groups: &Groups<'a>,
        pos: Pos,
    ) -> AppResult<Positioned<engine::SelectionSet>> {
        let mut items = Vec::with_capacity(groups.len());
        for fields in groups.values() {
            let Some(first) = fields.first().copied() else { continue };
            self.fields += 1;
            too_large(self.fields, FIELDS_LIMIT)?;
            let field = self.field(parent, first, fields)?;
            items.push(at(field.pos, engine::Selection::Field(field)));
        }
        Ok(at(pos, engine::SelectionSet { items }))
    }

    /// Validation guarantees that fields of one response key have the same name and arguments.
    fn field(
        &mut self,
        parent: &'a Name,
        first: &'a Node<Field>,
        fields: &[&'a Node<Field>],
    ) -> AppResult<Positioned<engine::Field>> {
        let pos = self.positions.of_span(first.location());
        let lost = || AppError::internal(format!("the field {parent}.{} is not in the schema", first.name));
        let definition = self.types.field(parent, &first.name).ok_or_else(lost)?;
        let argument = |argument: &Node<apollo_compiler::ast::Argument>| {
            let ty = definition.argument_by_name(&argument.name).map(|definition| &*definition.ty);
            let value = to_engine(self.types, ty, &argument.value);
            (at(pos, engine_name(&argument.name)), at(pos, value))
        };
        let arguments = first.arguments.iter().map(argument).collect();
        let sources: Vec<&SelectionSet> = fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
        let selection_set = if sources.is_empty() {
            Positioned::default()
        } else {
            self.set(definition.ty.inner_named_type(), &sources, pos)?
        };
        let field = engine::Field {
            alias: first.alias.as_ref().map(|alias| at(pos, engine_name(alias))),
            name: at(pos, engine_name(&first.name)),
            arguments,
            directives: Vec::new(),
            selection_set,
        };
        Ok(at(pos, field))
    }
}

fn too_large(counted: u32, most: u32) -> AppResult<()> {
    if counted <= most {
        return Ok(());
    }
    let message = "The document is too expensive: its fields, written out for each possible type, are too many.";
    Err(AppError::Request(ErrorCode::QueryTooExpensive, message.to_owned()))
}

fn at<T>(pos: Pos, node: T) -> Positioned<T> {
    Positioned::new(node, pos)
}

fn engine_name(name: &Name) -> async_graphql::Name {
    async_graphql::Name::new(name)
}
