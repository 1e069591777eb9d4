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

pub mod cost;
pub mod limits;
pub mod scan;
mod sizes;
mod trusted;
pub mod types;
pub mod values;

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition};
use async_graphql::{ServerError, Variables};
use moka::sync::Cache;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::error::{AppError, AppResult, ErrorCode};
use limits::Limits;
use types::SchemaTypes;

/// A parsed document takes about so many times the bytes of its text.
const PARSED_WEIGHT: u32 = 16;

/// What a client asks for, whatever transport it came by.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The document's text.
    #[serde(default)]
    pub query: Option<String>,
    /// The name of a trusted document.
    #[serde(default)]
    pub document_id: Option<String>,
    /// Which of the document's operations.
    #[serde(default)]
    pub operation_name: Option<String>,
    /// Values of its variables.
    #[serde(default)]
    pub variables: Option<Variables>,
    /// More about the request.
    #[serde(default)]
    pub extensions: Option<Extensions>,
}

impl Asked {
    /// Whether anything names a document.
    ///
    /// # Errors
    /// Bad input when nothing does.
    pub fn check_named(&self) -> AppResult<()> {
        let persisted = self.extensions.as_ref().is_some_and(|extensions| extensions.persisted_query.is_some());
        let query = self.query.as_ref().is_some_and(|query| !query.is_empty());
        if query || persisted || self.document_id.is_some() {
            return Ok(());
        }
        Err(AppError::bad_input("The request has no `query`."))
    }
}

/// The extensions of a request that Plaza knows; others are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extensions {
    /// An automatic persisted query.
    #[serde(default)]
    pub persisted_query: Option<PersistedQuery>,
}

/// An automatic persisted query: the hash in place of the text, or beside it to make it known.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersistedQuery {
    /// 1.
    pub version: u32,
    /// Of the document's text, in hexadecimal digits.
    pub sha256_hash: String,
}

/// A document that may run.
#[derive(Debug)]
pub struct Document {
    /// As it was parsed.
    pub parsed: ExecutableDocument,
    varies: bool,
    bytes: u32,
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
        let weigh = |_: &Hash, document: &Arc<Document>| 1024 + document.bytes.saturating_mul(PARSED_WEIGHT);
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
        if document.varies {
            cost::walk(&document.parsed, &self.types, &self.limits, variables)?;
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
        let persisted = asked.extensions.as_ref().and_then(|extensions| extensions.persisted_query.as_ref());
        match (asked.query.as_deref().filter(|query| !query.is_empty()), persisted) {
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
        scan::scan(text, &self.limits)?;
        let parsed =
            async_graphql::parser::parse_query(text).map_err(|error| Refused::Unparsed(ServerError::from(error)))?;
        for (_, operation) in parsed.operations.iter() {
            values::check_definitions(&operation.node, &self.types)?;
        }
        let verdict = cost::walk(&parsed, &self.types, &self.limits, variables)?;
        Ok(Document { parsed, varies: verdict.varies, bytes: u32::try_from(text.len()).unwrap_or(u32::MAX) })
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
