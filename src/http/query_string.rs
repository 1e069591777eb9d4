//! A GraphQL request in the query string of a GET.

use axum::http::Uri;

use super::credentials::{self, NotUnderstood};
use crate::error::{AppError, AppResult, ErrorCode};
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
/// Bad input when a parameter comes twice, or is not what it has to be; unauthenticated for a credential but a ticket.
pub fn parse(uri: &Uri) -> AppResult<Queried> {
    let mut queried = Queried { asked: Asked::default(), ticket: None };
    for (name, value) in parameters(uri)? {
        let asked = &mut queried.asked;
        let is_again = match name.as_str() {
            "query" => asked.query.replace(value).is_some(),
            "documentId" => asked.document_id.replace(value).is_some(),
            "operationName" => asked.operation_name.replace(value).is_some(),
            "ticket" => queried.ticket.replace(value).is_some(),
            "variables" => asked.variables.replace(object(&name, &value)?).is_some(),
            "extensions" => asked.extensions.replace(object(&name, &value)?).is_some(),
            _ if credentials::is_credential(&name) => return Err(NotUnderstood.into()),
            _ => false,
        };
        if is_again {
            return Err(AppError::bad_input(format!("The query string has `{name}` twice.")));
        }
    }
    Ok(queried)
}

/// Refuses credentials in the query string where none are read: they would be taken to be good.
///
/// # Errors
/// Unauthenticated.
pub fn check_no_credentials(uri: &Uri) -> AppResult<()> {
    for (name, _) in parameters(uri)? {
        if name == "ticket" {
            let message = "A stream ticket needs a GET with Accept: text/event-stream.";
            return Err(AppError::Request(ErrorCode::Unauthenticated, message.into()));
        }
        if credentials::is_credential(&name) {
            return Err(NotUnderstood.into());
        }
    }
    Ok(())
}

/// The parameters that are not empty: clients leave empty ones in their templates.
fn parameters(uri: &Uri) -> AppResult<impl Iterator<Item = (String, String)>> {
    let pairs: axum::extract::Query<Vec<(String, String)>> = axum::extract::Query::try_from_uri(uri)
        .map_err(|_| AppError::bad_input("The query string is not in application/x-www-form-urlencoded."))?;
    Ok(pairs.0.into_iter().filter(|(_, value)| !value.is_empty()))
}

fn object<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> AppResult<T> {
    let bad = || AppError::bad_input(format!("`{name}` in the query string has to be a JSON object."));
    // Serde would take a list for a struct.
    if !text.trim_start().starts_with('{') {
        return Err(bad());
    }
    serde_json::from_str(text).map_err(|error| super::body::unreadable(&error, text.as_bytes()).unwrap_or_else(bad))
}
