//! Validation: the library's rules, the few that it lacks, and errors as clients know them.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast::{Document, Value};
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{Name, Node};
use async_graphql::ServerError;

use super::positions::Positions;
use super::schema::SchemaTypes;
use super::suggest::Suggestions;
use super::{Refused, gaps, literals};
use crate::graphql::errors::{MOST, Stage};

/// Rules that the library has in a stricter form: those of a subscription's root fields, which it counts before those of
/// one response key are merged, and of the types of `__typename`.
const NOT_THE_LIBRARYS: [&str; 2] = ["SubscriptionUsesMultipleFields", gaps::CONFLICTING_TYPES];

/// Validates a document of bounded size.
///
/// # Errors
/// What is wrong with it, with locations, and suggestions where the server is `open` with its schema, and introspection too.
pub fn validate(
    document: &Document,
    types: &SchemaTypes,
    positions: &Positions<'_>,
    open: bool,
) -> Result<Valid<ExecutableDocument>, Refused> {
    let invalid = |errors: Vec<ServerError>| Err(Refused::Document(Stage::Validation, errors));
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
            let mut errors = found(&refused.errors, &|name| !NOT_THE_LIBRARYS.contains(&name));
            let is_conflict = |name: &str| name == gaps::CONFLICTING_TYPES;
            if refused.errors.iter().any(|found| found.error.unstable_error_name().is_some_and(is_conflict)) {
                let conflicts = gaps::without_type_names(document, types);
                errors.extend(conflicts.iter().flat_map(|conflicts| found(conflicts, &is_conflict)));
                errors.truncate(MOST);
            }
            if !errors.is_empty() {
                return invalid(errors);
            }
            // Nothing but what the library is stricter about: it leaves out nothing of the document for that.
            Valid::assume_valid(refused.partial)
        }
    };
    let gaps = gaps::fill(document, types)
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
    let errors =
        wrong.into_iter().take(MOST).map(|(message, span)| ServerError::new(message, Some(positions.of_span(span))));
    invalid(errors.collect())
}

/// What the library does not say of operations: a subscription has one root field, and production no introspection.
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

/// Diagnostics as errors, at most as many as one response reports.
pub fn errors(
    diagnostics: &DiagnosticList,
    positions: &Positions<'_>,
    suggestions: Option<&Suggestions>,
    counts: impl Fn(&str) -> bool,
) -> Vec<ServerError> {
    let diagnostics =
        diagnostics.iter().filter(|diagnostic| diagnostic.error.unstable_error_name().is_none_or(&counts));
    diagnostics
        .take(MOST)
        .map(|diagnostic| {
            let message =
                diagnostic.error.unstable_compat_message().unwrap_or_else(|| sentence(&diagnostic.error.to_string()));
            // Literals in it stand over several lines.
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

/// A message of the library's with a capital letter and a full stop.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let dot = if message.ends_with('.') { "" } else { "." };
    format!("{first}{}{dot}", letters.as_str())
}

/// Fields that stand in one input object more than once (5.6.3 of the specification).
fn repeated_fields(document: &Document) -> Vec<(&Name, &Node<Value>)> {
    let mut repeated = Vec::new();
    literals::each_value(document, &mut |value| {
        let Value::Object(fields) = &**value else { return };
        let mut names = std::collections::HashSet::new();
        repeated.extend(fields.iter().filter(|(name, _)| !names.insert(name)).map(|(name, value)| (name, value)));
    });
    repeated
}
