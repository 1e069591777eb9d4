//! Checks of document limits (settings `PLAZA_LIMIT_…`); errors name the limit and its value.

use crate::error::{AppError, AppResult, ErrorCode};

/// What [`DocumentLimits::nesting`](crate::config::limits::DocumentLimits::nesting) limits.
pub const NESTING: &str = "brackets or selections inside each other (nesting)";

/// Checks one limit.
///
/// # Errors
/// `QUERY_TOO_EXPENSIVE`, with the limit's name and value.
pub fn check(counted: u64, most: u32, what: &str) -> AppResult<()> {
    if counted <= u64::from(most) {
        return Ok(());
    }
    Err(AppError::Request(
        ErrorCode::QueryTooExpensive,
        format!("The document is too expensive: at most {most} {what}."),
    ))
}
