//! A GraphQL request in the query string of a GET.

use axum::http::Uri;

use crate::error::{AppError, AppResult};
use crate::graphql::document::Asked;

/// What a query string asks for.
pub struct Queried {
    /// The request.
    pub asked: Asked,
    /// The ticket of an event stream.
    pub ticket: Option<String>,
}

/// Reads a query string; nothing of the request's body is looked at.
///
/// # Errors
/// Bad input when a parameter comes twice, or is not what it has to be.
pub fn parse(uri: &Uri) -> AppResult<Queried> {
    let bad = |message: &str| AppError::bad_input(message);
    let pairs: Vec<(String, String)> = axum::extract::Query::try_from_uri(uri)
        .map_err(|_| bad("The query string is not in application/x-www-form-urlencoded."))?
        .0;
    let mut queried = Queried { asked: Asked::default(), ticket: None };
    for (name, value) in pairs {
        // Empty parameters are as good as none: clients leave them in their templates.
        if value.is_empty() {
            continue;
        }
        let asked = &mut queried.asked;
        let is_again = match name.as_str() {
            "query" => asked.query.replace(value).is_some(),
            "documentId" => asked.document_id.replace(value).is_some(),
            "operationName" => asked.operation_name.replace(value).is_some(),
            "ticket" => queried.ticket.replace(value).is_some(),
            "variables" => asked.variables.replace(object(&name, &value)?).is_some(),
            "extensions" => asked.extensions.replace(object(&name, &value)?).is_some(),
            _ => false,
        };
        if is_again {
            return Err(bad(&format!("The query string has `{name}` twice.")));
        }
    }
    Ok(queried)
}

fn object<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> AppResult<T> {
    let bad = || AppError::bad_input(format!("`{name}` in the query string has to be a JSON object."));
    // Serde would take a list for a struct.
    if !text.trim_start().starts_with('{') {
        return Err(bad());
    }
    serde_json::from_str(text).map_err(|error| super::body::unreadable(&error, text.as_bytes()).unwrap_or_else(bad))
}
