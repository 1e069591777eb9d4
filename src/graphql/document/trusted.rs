//! Trusted documents: a manifest of `documentId` → document, read once at start.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Document, DocumentError, Documents};
use crate::error::{AppError, AppResult};

/// Reads the manifest, a JSON object of texts. Every document has to be valid and within the limits.
///
/// # Errors
/// Internal, naming the file and the document at fault.
pub fn read(path: &Path, documents: &Documents) -> AppResult<HashMap<String, Arc<Document>>> {
    let fault = |what: String| AppError::internal(format!("PLAZA_TRUSTED_DOCUMENTS, {}: {what}", path.display()));
    let text = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
    let texts: HashMap<String, String> =
        serde_json::from_slice(&text).map_err(|error| fault(format!("it is no JSON object of texts: {error}")))?;
    let read = |(id, text): (String, String)| match documents.read(&text, Sha256::digest(&text).into()) {
        Ok(document) => Ok((id, Arc::new(document))),
        Err(DocumentError::Document(_, errors)) => {
            let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
            Err(fault(format!("the document {id:?}: {}", messages.join(" "))))
        }
        Err(DocumentError::Request(error)) => Err(fault(format!("the document {id:?}: {}", error.describe()))),
    };
    texts.into_iter().map(read).collect()
}
