//! A GraphQL request in the query string of a GET.

use axum::http::Uri;

use super::credentials::{self, MalformedCredentials};
use crate::error::{AppError, AppResult, ErrorCode};
use crate::graphql::document::GraphqlRequest;

/// The parameters of a GET.
pub struct QueryParameters {
    /// The request parameters.
    pub params: GraphqlRequest,
    /// Stream ticket.
    pub ticket: Option<String>,
}

/// Parses a query string.
///
/// # Errors
/// Bad input for repeated or malformed parameters; unauthenticated for a credential other than a ticket.
pub fn parse(uri: &Uri) -> AppResult<QueryParameters> {
    let mut parameters = QueryParameters { params: GraphqlRequest::default(), ticket: None };
    for (name, value) in non_empty_pairs(uri)? {
        let params = &mut parameters.params;
        let is_again = match name.as_str() {
            "query" => params.query.replace(value).is_some(),
            "documentId" => params.document_id.replace(value).is_some(),
            "operationName" => params.operation_name.replace(value).is_some(),
            "ticket" => parameters.ticket.replace(value).is_some(),
            "variables" => params.variables.replace(object(&name, &value)?).is_some(),
            "extensions" => params.extensions.replace(object(&name, &value)?).is_some(),
            _ if credentials::is_credential(&name) => return Err(MalformedCredentials.into()),
            _ => false,
        };
        if is_again {
            return Err(AppError::bad_input(format!("The query string has `{name}` twice.")));
        }
    }
    Ok(parameters)
}

/// Rejects credentials in the query string, where they would be ignored.
///
/// # Errors
/// Unauthenticated.
pub fn check_no_credentials(uri: &Uri) -> AppResult<()> {
    for (name, _) in non_empty_pairs(uri)? {
        if name == "ticket" {
            let message = "A stream ticket needs a GET with Accept: text/event-stream.";
            return Err(AppError::Request(ErrorCode::Unauthenticated, message.into()));
        }
        if credentials::is_credential(&name) {
            return Err(MalformedCredentials.into());
        }
    }
    Ok(())
}

/// The non-empty parameters; templates of clients leave empty ones.
fn non_empty_pairs(uri: &Uri) -> AppResult<impl Iterator<Item = (String, String)>> {
    let pairs: axum::extract::Query<Vec<(String, String)>> = axum::extract::Query::try_from_uri(uri)
        .map_err(|_| AppError::bad_input("The query string is not in application/x-www-form-urlencoded."))?;
    Ok(pairs.0.into_iter().filter(|(_, value)| !value.is_empty()))
}

fn object<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> AppResult<T> {
    let bad = || AppError::bad_input(format!("`{name}` in the query string has to be a JSON object."));
    // Serde would accept a list for a struct.
    if !text.trim_start().starts_with('{') {
        return Err(bad());
    }
    serde_json::from_str(text).map_err(|error| super::body::unreadable(&error, text.as_bytes()).unwrap_or_else(bad))
}
