//! Documents: what happens to one before it runs, the same for every transport.
//!
//! ```text
//! text ──▶ scan ──▶ parse ──▶ bounds ──▶ validate ──▶ kept by its hash
//!      ──▶ operation chosen ──▶ variables coerced ──▶ normalised ──▶ cost ──▶ kept by hash, operation and decisions
//!      ──▶ values of variables put in ──▶ the engine runs it
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
//! - Nothing reaches the parser that the scan refused, and nothing is validated or normalised that is out of bounds: all
//!   take time in proportion to the document's length, which is bounded, or have a bound of their own.
//! - A document in the cache is valid; a normal form in the cache has passed all limits. Where a page's size stands in a
//!   variable, it is walked again with each request's variables.
//! - What the engine is given is one operation without variables, directives and named fragments, and with one field
//!   for each response key.
//! - With trusted documents, no text of a client's is ever parsed.

mod asked;
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
mod normalise;
mod positions;
pub mod scan;
mod schema;
mod sizes;
mod suggest;
mod trusted;
mod validate;
mod weights;

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
pub use asked::{Asked, Extensions, Object, PersistedQuery};
use cost::Verdict;
use normalise::Decisions;
use positions::Positions;
use schema::SchemaTypes;

/// Bytes of variables, each counted as often as it is used: each use is a copy.
const MOST_COPIED: u64 = 4 << 20;

/// A valid document.
#[derive(Debug)]
struct Document {
    hash: Hash,
    valid: Valid<ExecutableDocument>,
    /// The variables that decide a `@skip` or `@include`, for each operation.
    conditions: Vec<Vec<Name>>,
    weight: u32,
}

/// A normal form, within all limits.
#[derive(Debug)]
struct Normal {
    operation: OperationDefinition,
    verdict: Verdict,
    weight: u32,
}

/// Why a document may not run.
#[derive(Debug)]
pub enum Refused {
    /// It is not GraphQL, or does not fit the schema.
    Document(Stage, Vec<ServerError>),
    /// Everything else.
    Request(AppError),
}

impl Refused {
    /// A document that breaks one rule of validation.
    #[must_use]
    pub fn invalid(message: impl Into<String>, pos: Pos) -> Self {
        Self::Document(Stage::Validation, vec![ServerError::new(message, Some(pos))])
    }
}

impl From<AppError> for Refused {
    fn from(error: AppError) -> Self {
        Self::Request(error)
    }
}

type Hash = [u8; 32];

/// A document's hash, the index of an operation in it, and what its conditions decide.
type NormalKey = (Hash, usize, Box<[bool]>);

/// The documents of one schema.
pub struct Documents {
    types: SchemaTypes,
    limits: DocumentLimits,
    /// Whether introspection and suggestions are answered.
    open: bool,
    cache: Cache<Hash, Arc<Document>>,
    normals: Cache<NormalKey, Arc<Normal>>,
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
                .weigher(|_, document: &Arc<Document>| document.weight)
                .build(),
            normals: Cache::builder().max_capacity(capacity).weigher(|_, normal: &Arc<Normal>| normal.weight).build(),
            trusted: None,
        };
        if let Some(path) = &config.trusted_documents {
            documents.trusted = Some(trusted::read(path, &documents)?);
        }
        Ok(documents)
    }

    /// How many documents the cache holds, about.
    #[must_use]
    pub fn cached(&self) -> u64 {
        self.cache.entry_count()
    }

    /// The operation that is asked for, ready for the engine. Files stand in the variables by their numbers.
    ///
    /// # Errors
    /// When there is none, it is invalid or over a limit, or the variables don't fit it.
    pub fn prepare(&self, asked: &Asked, mut given: Variables, files: usize) -> Result<OperationDefinition, Refused> {
        let document = self.look_up(asked)?;
        let (index, operation) = document.operation(asked.operation_name.as_deref())?;
        let variables = coerce::coerce(operation, &self.types, &mut given, files)?;
        let normal = self.normal(&document, (index, operation), &variables)?;
        let uses = normal.verdict.uses;
        if uses == 0 {
            return Ok(normal.operation.clone());
        }
        if uses > 1 && uses.saturating_mul(coerce::weight(&variables)) > MOST_COPIED {
            let message = format!(
                "The request is too expensive: at most {MOST_COPIED} bytes of variables, each counted as often as it is used."
            );
            return Err(AppError::Request(ErrorCode::QueryTooExpensive, message).into());
        }
        Ok(instantiate::instantiate(&normal.operation, &variables))
    }

    fn look_up(&self, asked: &Asked) -> Result<Arc<Document>, Refused> {
        let refused = |code, message: &str| Err(Refused::Request(AppError::Request(code, message.to_owned())));
        if let Some(trusted) = &self.trusted {
            return match asked.document_id.as_deref().and_then(|id| trusted.get(id)) {
                Some(document) => Ok(Arc::clone(document)),
                None => refused(ErrorCode::DocumentNotTrusted, "Only trusted documents run here: send a `documentId`."),
            };
        }
        match (asked.query.as_deref().filter(|query| !query.is_empty()), asked.persisted()) {
            (Some(query), persisted) => {
                let hash: Hash = Sha256::digest(query).into();
                if persisted.is_some_and(|persisted| parse_hash(persisted) != Some(hash)) {
                    return refused(ErrorCode::BadUserInput, "`persistedQuery.sha256Hash` is not the hash of `query`.");
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
                // Apollo's clients know this message, and send the text along.
                None => refused(ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound"),
            },
            (None, None) => {
                asked.check_named()?;
                refused(ErrorCode::PersistedQueryNotFound, "There are no trusted documents here: send the `query`.")
            }
        }
    }

    /// Reads a text: everything that needs no variables.
    fn read(&self, text: &str, hash: Hash) -> Result<Document, Refused> {
        let tokens = scan::scan(text, &self.limits)?;
        let positions = Positions::of(text);
        let parsed = grammar::parse(text, &positions)?;
        bounds::check_bounds(&parsed, &positions, &self.limits)?;
        let valid = validate::validate(&parsed, &self.types, &positions, self.open)?;
        let conditions = valid.operations.iter().map(|operation| conditions(&valid, operation)).collect();
        Ok(Document { hash, valid, conditions, weight: weights::of_document(text, tokens) })
    }

    /// The normal form of an operation, whose cost with these variables is within the limits.
    fn normal(
        &self,
        document: &Document,
        (index, operation): (usize, &Operation),
        variables: &Variables,
    ) -> Result<Arc<Normal>, Refused> {
        let names = document.conditions.get(index).map(Vec::as_slice).unwrap_or_default();
        let decided = names.iter().map(|name| match variables.get(name.as_str()) {
            Some(async_graphql::Value::Boolean(decided)) => Ok(*decided),
            _ => Err(AppError::bad_input(format!("The variable ${name} of the type Boolean! can't be null."))),
        });
        let decided = decided.collect::<AppResult<Box<[bool]>>>()?;
        let key = (document.hash, index, decided);
        if let Some(normal) = self.normals.get(&key) {
            if normal.verdict.varies {
                cost::walk(&normal.operation, &self.types, &self.limits, variables)?;
            }
            return Ok(normal);
        }
        let decisions: Decisions<'_> = names.iter().map(Name::as_str).zip(key.2.iter().copied()).collect();
        let positions = Positions::of(document.text());
        let normal = normalise::normalise((&document.valid, operation), &self.types, &positions, &decisions)?;
        let verdict = cost::walk(&normal, &self.types, &self.limits, variables)?;
        let weight = weights::of_normal(&normal);
        let normal = Arc::new(Normal { operation: normal, verdict, weight });
        self.normals.insert(key, Arc::clone(&normal));
        Ok(normal)
    }
}

impl Document {
    fn text(&self) -> &str {
        self.valid.sources.values().next().map_or("", |file| file.source_text())
    }

    /// The operation of this name, or the only one, and its index.
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

/// The variables that decide a `@skip` or `@include` in an operation or a fragment that it spreads, each once.
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
