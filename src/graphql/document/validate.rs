//! Validation: apollo-compiler's rules, the missing ones, and errors in graphql-js wording.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast::{Document, Value};
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{Name, Node};
use async_graphql::ServerError;

use super::positions::Positions;
use super::schema::SchemaTypes;
use super::suggest::Suggestions;
use super::{DocumentError, gaps, literals};
use crate::graphql::errors::{ERRORS_LIMIT, Stage};

/// Rules checked here instead, as the library is too strict: root fields of subscriptions, counted before merging; types of
/// `__typename`.
const REPLACED_RULES: [&str; 2] = ["SubscriptionUsesMultipleFields", gaps::CONFLICTING_TYPES];

/// Validates a document of bounded size.
///
/// # Errors
/// Located errors, with suggestions if `open`; introspection is rejected unless `open`.
pub fn validate(
    document: &Document,
    types: &SchemaTypes,
    positions: &Positions<'_>,
    open: bool,
) -> Result<Valid<ExecutableDocument>, DocumentError> {
    let invalid = |errors: Vec<ServerError>| Err(DocumentError::Document(Stage::Validation, errors));
    let repeated = repeated_fields(document);
    if let Some((name, value)) = repeated.first() {
        let message = format!("There can be only one input field named \"{name}\".");
        return invalid(vec![ServerError::new(message, Some(positions.of_span(value.location())))]);
    }
    let valid = match document.to_executable_validate(types.schema()) {
        Ok(valid) => valid,
        Err(refused) => {
            let suggestions = open.then(|| Suggestions::find(document, types));
            let found = |list: &DiagnosticList, counts: &dyn Fn(&str) -> bool| {
                errors(list, positions, suggestions.as_ref(), counts)
            };
            let mut errors = found(&refused.errors, &|name| !REPLACED_RULES.contains(&name));
            let is_conflict = |name: &str| name == gaps::CONFLICTING_TYPES;
            if refused.errors.iter().any(|found| found.error.unstable_error_name().is_some_and(is_conflict)) {
                let conflicts = gaps::without_type_names(document, types);
                errors.extend(conflicts.iter().flat_map(|conflicts| found(conflicts, &is_conflict)));
                errors.truncate(ERRORS_LIMIT);
            }
            if !errors.is_empty() {
                return invalid(errors);
            }
            // Only replaced rules failed, for which the partial document is complete.
            Valid::assume_valid(refused.partial)
        }
    };
    let gaps = gaps::find(document, types)
        .map(|found| errors(&found, positions, None, |name| gaps::RULES.contains(&name)))
        .unwrap_or_default();
    if !gaps.is_empty() {
        return invalid(gaps);
    }
    if let Some(error) = check_operations(&valid, positions, open) {
        return invalid(vec![error]);
    }
    let wrong = literals::check_scalars(&valid, types);
    if wrong.is_empty() {
        return Ok(valid);
    }
    let errors = wrong
        .into_iter()
        .take(ERRORS_LIMIT)
        .map(|(message, span)| ServerError::new(message, Some(positions.of_span(span))));
    invalid(errors.collect())
}

/// A subscription has one root field; introspection only if enabled.
fn check_operations(
    document: &ExecutableDocument,
    positions: &Positions<'_>,
    introspection: bool,
) -> Option<ServerError> {
    document.operations.iter().find_map(|operation| {
        let mut roots = operation.root_fields(document);
        let first = roots.next();
        let second = roots.find(|field| first.is_some_and(|first| first.response_name() != field.response_name()));
        let (message, field) = if let Some(field) = second.filter(|_| operation.is_subscription()) {
            ("A subscription has exactly one root field.", field)
        } else {
            let mut fields = operation.all_fields(document).filter(|_| !introspection);
            let field = fields.find(|field| matches!(field.name.as_str(), "__schema" | "__type"))?;
            ("Introspection is turned off.", field)
        };
        Some(ServerError::new(message, Some(positions.of_span(field.location()))))
    })
}

/// Diagnostics as errors, up to [`ERRORS_LIMIT`].
pub fn errors(
    diagnostics: &DiagnosticList,
    positions: &Positions<'_>,
    suggestions: Option<&Suggestions>,
    counts: impl Fn(&str) -> bool,
) -> Vec<ServerError> {
    let diagnostics =
        diagnostics.iter().filter(|diagnostic| diagnostic.error.unstable_error_name().is_none_or(&counts));
    diagnostics
        .take(ERRORS_LIMIT)
        .map(|diagnostic| {
            let message =
                diagnostic.error.unstable_compat_message().unwrap_or_else(|| sentence(&diagnostic.error.to_string()));
            // Messages may contain multi-line literals.
            let mut message = message.split_whitespace().collect::<Vec<_>>().join(" ");
            let span = diagnostic.error.location();
            if let Some(hint) = suggestions.zip(span).and_then(|(found, span)| found.at(span.offset())) {
                if !message.ends_with('.') {
                    message.push('.');
                }
                message.push_str(hint);
            }
            ServerError::new(message, Some(positions.of_span(span)))
        })
        .collect()
}

/// Capitalises a message and adds a full stop.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let dot = if message.ends_with('.') { "" } else { "." };
    format!("{first}{}{dot}", letters.as_str())
}

/// Duplicate fields of input objects (5.6.3 of the specification).
fn repeated_fields(document: &Document) -> Vec<(&Name, &Node<Value>)> {
    let mut repeated = Vec::new();
    literals::each_value(document, &mut |value| {
        let Value::Object(fields) = &**value else { return };
        let mut names = std::collections::HashSet::new();
        repeated.extend(fields.iter().filter(|(name, _)| !names.insert(name)).map(|(name, value)| (name, value)));
    });
    repeated
}
