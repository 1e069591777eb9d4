//! Documents: what happens to one before it runs, the same for every transport.
//!
//! ```text
//! text ──▶ scan ──▶ parse ──▶ cost walk ──▶ kept by its hash ──▶ variables checked ──▶ the engine validates and runs
//! ```
//!
//! Invariants:
//! - Nothing reaches the parser that the scan refused, and nothing reaches the engine that the walk refused: both take
//!   time in proportion to the document's length, which is bounded.
//! - A document in the cache has passed all limits. Where a page's size stands in a variable, it is walked again with
//!   each request's variables.
//! - With trusted documents, no text of a client's is ever parsed.

mod asked;
pub mod cost;
pub mod limits;
pub mod scan;
mod sizes;
mod trusted;
mod type_names;
pub mod types;
pub mod values;

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition};
use async_graphql::{ServerError, Variables};
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::error::{AppError, AppResult, ErrorCode};
pub use asked::{Asked, Extensions, Object, PersistedQuery};
use cost::Verdict;
use limits::Limits;
use types::SchemaTypes;

/// Bytes that a parsed document takes for each token of its text, about.
const TOKEN_WEIGHT: u32 = 300;

/// Bytes of variables, each counted as often as it is used: the engine copies it each time.
const MOST_COPIED: u64 = 4 << 20;

/// A document that may run.
#[derive(Debug)]
pub struct Document {
    /// As it was parsed.
    pub parsed: ExecutableDocument,
    verdict: Verdict,
    tokens: u32,
}

/// Why a document may not run.
#[derive(Debug)]
pub enum Refused {
    /// It is not GraphQL.
    Unparsed(ServerError),
    /// Everything else.
    Other(AppError),
}

impl From<AppError> for Refused {
    fn from(error: AppError) -> Self {
        Self::Other(error)
    }
}

type Hash = [u8; 32];

/// The documents of one schema.
pub struct Documents {
    types: SchemaTypes,
    limits: Limits,
    cache: Cache<Hash, Arc<Document>>,
    trusted: Option<HashMap<String, Arc<Document>>>,
}

impl Documents {
    /// Documents for a schema, by its SDL.
    ///
    /// # Errors
    /// When the SDL or the manifest of trusted documents can't be read.
    pub fn open(sdl: &str, config: &Config) -> AppResult<Self> {
        let capacity = u64::from(config.document_cache_mb) << 20;
        let weigh = |_: &Hash, document: &Arc<Document>| 1024 + document.tokens.saturating_mul(TOKEN_WEIGHT);
        let mut documents = Self {
            types: SchemaTypes::parse(sdl)?,
            limits: config.document_limits,
            cache: Cache::builder().max_capacity(capacity).weigher(weigh).build(),
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

    /// The document that is asked for, if it may run.
    ///
    /// # Errors
    /// When there is none, or it is over a limit.
    pub fn find(&self, asked: &Asked) -> Result<Arc<Document>, Refused> {
        let none = Variables::default();
        let variables = asked.variables.as_ref().unwrap_or(&none);
        let document = self.look_up(asked, variables)?;
        if document.verdict.varies {
            cost::walk(&document.parsed, &self.types, &self.limits, variables)?;
        }
        let uses = document.verdict.uses;
        if uses > 1 && uses.saturating_mul(values::weight(variables)) > MOST_COPIED {
            let message = format!(
                "The request is too expensive: at most {MOST_COPIED} bytes of variables, each counted as often as it is used."
            );
            return Err(AppError::Request(ErrorCode::QueryTooExpensive, message).into());
        }
        Ok(document)
    }

    fn look_up(&self, asked: &Asked, variables: &Variables) -> Result<Arc<Document>, Refused> {
        let refused = |code, message: &str| Err(Refused::Other(AppError::Request(code, message.to_owned())));
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
                let document = Arc::new(self.parse(query, variables)?);
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

    /// Scans, parses and costs a text.
    fn parse(&self, text: &str, variables: &Variables) -> Result<Document, Refused> {
        let tokens = scan::scan(text, &self.limits)?;
        let mut parsed =
            async_graphql::parser::parse_query(text).map_err(|error| Refused::Unparsed(ServerError::from(error)))?;
        for (_, operation) in parsed.operations.iter() {
            values::check_definitions(&operation.node, &self.types)?;
        }
        let verdict = cost::walk(&parsed, &self.types, &self.limits, variables)?;
        type_names::wrap(&mut parsed);
        Ok(Document { parsed, verdict, tokens })
    }

    /// Checks the variables of an operation of a document.
    ///
    /// # Errors
    /// Bad input that names the variable.
    pub fn check_variables(
        &self,
        operation: &OperationDefinition,
        variables: &Variables,
        files: usize,
    ) -> AppResult<()> {
        values::check_variables(operation, &self.types, variables, files)
    }
}

impl Document {
    /// The operation of this name, or the only one.
    ///
    /// # Errors
    /// When there is none, or several and no name.
    pub fn operation(&self, name: Option<&str>) -> AppResult<&OperationDefinition> {
        let operation = match (&self.parsed.operations, name) {
            (DocumentOperations::Single(operation), None) => Some(operation),
            (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
            (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
            (DocumentOperations::Single(_), Some(_)) | (DocumentOperations::Multiple(_), None) => None,
        };
        operation.map(|operation| &operation.node).ok_or_else(|| {
            let message = match name {
                Some(name) => format!("The document has no operation named {name:?}."),
                None => "The document has several operations: operationName has to say which.".to_owned(),
            };
            AppError::Request(ErrorCode::OperationResolutionFailure, message)
        })
    }
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
