//! The document pipeline, from text to operation, shared by all transports.
//!
//! ```text
//! text ──▶ scan ──▶ parse ──▶ bounds ──▶ validate ──▶ cached by hash
//!      ──▶ select operation ──▶ coerce variables ──▶ normalise ──▶ cost ──▶ cached by hash, operation and decisions
//!      ──▶ substitute variables ──▶ execute
//! ```
//!
//! | What | Where |
//! |---|---|
//! | bytes, tokens, brackets, directives | [`scan`] |
//! | the grammar of the September 2025 edition | `grammar`, by `apollo-compiler` and a check of its own |
//! | sizes with fragments written out; unknown fragments and cycles of them, which have no size | `bounds` |
//! | the validation rules of the specification | `validate`, by `apollo-compiler` |
//! | lists of other lengths in merged fields, variables with `null` as their default | `gaps` |
//! | a field twice in an input object; one root field of a subscription, after merging; introspection in production | `validate` |
//! | literals of custom scalars | `literals`, asking [`crate::graphql::scalars`] |
//! | suggestions | `suggest` |
//! | types, defaults and files of variables | `coerce` |
//! | `@skip`, `@include`, fragments, selections of one response key | `normalise` |
//! | values in the answer, by the sizes of pages | `cost` |
//! | arguments of variables that were left out | `instantiate` |
//! | defaults of arguments and input fields, execution | the engine, which validates nothing |
//!
//! Invariants:
//! - The parser sees only what passed the scan; validation and normalisation only what passed the bounds. All steps are
//!   linear in the bounded length, or have a limit of their own.
//! - A cached document is valid; a cached normal form has passed all limits. If page sizes come from variables, its cost is
//!   analysed for each request.
//! - The engine gets one operation without variables, directives and named fragments, and with one field per response
//!   key.
//! - With trusted documents, text from clients is never parsed.

mod bounds;
mod coerce;
#[cfg(test)]
mod corpus;
mod cost;
mod gaps;
mod grammar;
mod instantiate;
mod lex;
pub mod limits;
mod literals;
mod memory;
mod normalise;
mod positions;
mod request;
pub mod scan;
mod schema;
mod sizes;
mod suggest;
mod trusted;
mod validate;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use apollo_compiler::ast::Value;
use apollo_compiler::executable::{ExecutableDocument, Operation, Selection, SelectionSet};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node};
use async_graphql::parser::types::OperationDefinition;
use async_graphql::{Pos, ServerError, Variables};
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use super::errors::Stage;
use crate::config::Config;
use crate::config::limits::DocumentLimits;
use crate::error::{AppError, AppResult, ErrorCode};
use cost::DocumentCost;
use normalise::Decisions;
use positions::Positions;
pub use request::{Extensions, GraphqlRequest, Object, PersistedQuery};
use schema::SchemaTypes;

/// Total size of substituted variables: each use is a copy.
const VARIABLE_BYTES_LIMIT: u64 = 4 << 20;

/// A valid document.
#[derive(Debug)]
struct Document {
    hash: Hash,
    valid: Valid<ExecutableDocument>,
    /// Variables of `@skip` and `@include`, per operation.
    conditions: Vec<Vec<Name>>,
    approximate_bytes: u32,
}

/// A normal form, within all limits.
#[derive(Debug)]
struct NormalForm {
    operation: OperationDefinition,
    cost: DocumentCost,
    approximate_bytes: u32,
}

/// Why a document may not run.
#[derive(Debug)]
pub enum DocumentError {
    /// Syntax or validation errors.
    Document(Stage, Vec<ServerError>),
    /// Any other error.
    Request(AppError),
}

impl DocumentError {
    /// A single validation error.
    #[must_use]
    pub fn invalid(message: impl Into<String>, pos: Pos) -> Self {
        Self::Document(Stage::Validation, vec![ServerError::new(message, Some(pos))])
    }
}

impl From<AppError> for DocumentError {
    fn from(error: AppError) -> Self {
        Self::Request(error)
    }
}

type Hash = [u8; 32];

/// Document hash, operation index, values of its condition variables.
type NormalKey = (Hash, usize, Box<[bool]>);

/// The documents of one schema.
pub struct Documents {
    types: SchemaTypes,
    limits: DocumentLimits,
    /// Whether introspection and suggestions are enabled.
    open: bool,
    cache: Cache<Hash, Arc<Document>>,
    normal_forms: Cache<NormalKey, Arc<NormalForm>>,
    trusted: Option<HashMap<String, Arc<Document>>>,
}

impl Documents {
    /// Documents for a schema, by its SDL.
    ///
    /// # Errors
    /// When the SDL or the manifest of trusted documents can't be read.
    pub fn open(sdl: &str, config: &Config) -> AppResult<Self> {
        let capacity = (u64::from(config.document_cache_mb) << 20) / 2;
        let mut documents = Self {
            types: SchemaTypes::parse(sdl)?,
            limits: config.document_limits,
            open: !config.production,
            cache: Cache::builder()
                .max_capacity(capacity)
                .weigher(|_, document: &Arc<Document>| document.approximate_bytes)
                .build(),
            normal_forms: Cache::builder()
                .max_capacity(capacity)
                .weigher(|_, normal_form: &Arc<NormalForm>| normal_form.approximate_bytes)
                .build(),
            trusted: None,
        };
        if let Some(path) = &config.trusted_documents {
            documents.trusted = Some(trusted::read(path, &documents)?);
        }
        Ok(documents)
    }

    /// Approximate number of cached documents.
    #[must_use]
    pub fn cached(&self) -> u64 {
        self.cache.entry_count()
    }

    /// The requested operation, ready for the engine. Variables refer to files by number.
    ///
    /// # Errors
    /// If it is missing, invalid or over a limit, or the variables don't match.
    pub fn prepare(
        &self,
        params: &GraphqlRequest,
        mut given: Variables,
        files: usize,
    ) -> Result<OperationDefinition, DocumentError> {
        let document = self.look_up(params)?;
        let (index, operation) = document.operation(params.operation_name.as_deref())?;
        let variables = coerce::coerce(operation, &self.types, &mut given, files)?;
        let normal_form = self.normal_form(&document, index, operation, &variables)?;
        let uses = normal_form.cost.variable_uses;
        if uses == 0 {
            return Ok(normal_form.operation.clone());
        }
        if uses > 1 && uses.saturating_mul(coerce::approximate_bytes(&variables)) > VARIABLE_BYTES_LIMIT {
            let message = format!(
                "The request is too expensive: at most {VARIABLE_BYTES_LIMIT} bytes of variables, each counted as often as it is used."
            );
            return Err(AppError::Request(ErrorCode::QueryTooExpensive, message).into());
        }
        Ok(instantiate::instantiate(&normal_form.operation, &variables))
    }

    fn look_up(&self, params: &GraphqlRequest) -> Result<Arc<Document>, DocumentError> {
        let reject = |code, message: &str| Err(DocumentError::Request(AppError::Request(code, message.to_owned())));
        if let Some(trusted) = &self.trusted {
            return match params.document_id.as_deref().and_then(|id| trusted.get(id)) {
                Some(document) => Ok(Arc::clone(document)),
                None => reject(ErrorCode::DocumentNotTrusted, "Only trusted documents run here: send a `documentId`."),
            };
        }
        match (params.query.as_deref().filter(|query| !query.is_empty()), params.persisted_query()) {
            (Some(query), persisted) => {
                let hash: Hash = Sha256::digest(query).into();
                if persisted.is_some_and(|persisted| parse_hash(persisted) != Some(hash)) {
                    return reject(ErrorCode::BadUserInput, "`persistedQuery.sha256Hash` is not the hash of `query`.");
                }
                if let Some(document) = self.cache.get(&hash) {
                    return Ok(document);
                }
                let document = Arc::new(self.read(query, hash)?);
                self.cache.insert(hash, Arc::clone(&document));
                Ok(document)
            }
            (None, Some(persisted)) => match parse_hash(persisted).and_then(|hash| self.cache.get(&hash)) {
                Some(document) => Ok(document),
                // Apollo clients match this message, and retry with the text.
                None => reject(ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound"),
            },
            (None, None) => {
                params.check_named()?;
                reject(ErrorCode::PersistedQueryNotFound, "There are no trusted documents here: send the `query`.")
            }
        }
    }

    /// Parses and validates a text.
    fn read(&self, text: &str, hash: Hash) -> Result<Document, DocumentError> {
        let tokens = scan::scan(text, &self.limits)?;
        let positions = Positions::of(text);
        let parsed = grammar::parse(text, &positions)?;
        bounds::check_bounds(&parsed, &positions, &self.limits)?;
        let valid = validate::validate(&parsed, &self.types, &positions, self.open)?;
        let conditions = valid.operations.iter().map(|operation| conditions(&valid, operation)).collect();
        Ok(Document { hash, valid, conditions, approximate_bytes: memory::of_document(text, tokens) })
    }

    /// The normal form of an operation, checked against the cost limit with these variables.
    fn normal_form(
        &self,
        document: &Document,
        index: usize,
        operation: &Operation,
        variables: &Variables,
    ) -> Result<Arc<NormalForm>, DocumentError> {
        let names = document.conditions.get(index).map(Vec::as_slice).unwrap_or_default();
        let values = names.iter().map(|name| match variables.get(name.as_str()) {
            Some(async_graphql::Value::Boolean(value)) => Ok(*value),
            _ => Err(AppError::bad_input(format!("The variable ${name} of the type Boolean! can't be null."))),
        });
        let values = values.collect::<AppResult<Box<[bool]>>>()?;
        let key = (document.hash, index, values);
        if let Some(normal_form) = self.normal_forms.get(&key) {
            if normal_form.cost.depends_on_variables {
                cost::analyse(&normal_form.operation, &self.types, &self.limits, variables)?;
            }
            return Ok(normal_form);
        }
        let decisions: Decisions<'_> = names.iter().map(Name::as_str).zip(key.2.iter().copied()).collect();
        let positions = Positions::of(document.text());
        let normal_form = normalise::normalise(&document.valid, operation, &self.types, &positions, &decisions)?;
        let cost = cost::analyse(&normal_form, &self.types, &self.limits, variables)?;
        let approximate_bytes = memory::of_normal_form(&normal_form);
        let normal_form = Arc::new(NormalForm { operation: normal_form, cost, approximate_bytes });
        self.normal_forms.insert(key, Arc::clone(&normal_form));
        Ok(normal_form)
    }
}

impl Document {
    fn text(&self) -> &str {
        self.valid.sources.values().next().map_or("", |file| file.source_text())
    }

    /// The operation of this name, or the only one, with its index.
    fn operation(&self, name: Option<&str>) -> AppResult<(usize, &Node<Operation>)> {
        let mut all = self.valid.operations.iter().enumerate();
        let operation = match name {
            Some(name) => all.find(|(_, operation)| operation.name.as_ref().is_some_and(|own| own == name)),
            None => all.next().filter(|_| self.valid.operations.len() == 1),
        };
        operation.ok_or_else(|| {
            let message = match name {
                Some(name) => format!("The document has no operation named {name:?}."),
                None if self.valid.operations.is_empty() => "The document has no operation.".to_owned(),
                None => "The document has several operations: operationName has to say which.".to_owned(),
            };
            AppError::Request(ErrorCode::OperationResolutionFailure, message)
        })
    }
}

/// The distinct variables of `@skip` and `@include` in an operation and its fragments.
fn conditions(document: &ExecutableDocument, operation: &Operation) -> Vec<Name> {
    fn walk<'a>(
        document: &'a ExecutableDocument,
        set: &'a SelectionSet,
        seen: &mut HashSet<&'a Name>,
        names: &mut Vec<Name>,
    ) {
        for selection in &set.selections {
            for directive in selection.directives().iter().filter(|it| matches!(it.name.as_str(), "skip" | "include")) {
                if let Some(Value::Variable(name)) = directive.specified_argument_by_name("if").map(|value| &**value)
                    && !names.contains(name)
                {
                    names.push(name.clone());
                }
            }
            let inside = match selection {
                Selection::Field(field) => field.selection_set.as_ref(),
                Selection::InlineFragment(fragment) => Some(&fragment.selection_set),
                Selection::FragmentSpread(spread) if seen.insert(&spread.fragment_name) => {
                    document.fragments.get(&spread.fragment_name).map(|fragment| &fragment.selection_set)
                }
                Selection::FragmentSpread(_) => None,
            };
            if let Some(set) = inside {
                walk(document, set, seen, names);
            }
        }
    }
    let mut names = Vec::new();
    walk(document, &operation.selection_set, &mut HashSet::new(), &mut names);
    names
}

fn parse_hash(persisted: &PersistedQuery) -> Option<Hash> {
    let text = persisted.sha256_hash.as_bytes();
    if persisted.version != 1 || text.len() != 64 {
        return None;
    }
    let mut hash = Hash::default();
    for (byte, digits) in hash.iter_mut().zip(text.chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(hash)
}
