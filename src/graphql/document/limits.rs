//! How large a document may be. Each limit is a setting, `PLAZA_LIMIT_…`; a refusal says which one, and its value.

use crate::error::{AppError, AppResult, ErrorCode};

/// What [`DocumentLimits::nesting`](crate::config::limits::DocumentLimits::nesting) limits.
pub const NESTING: &str = "brackets or selections inside each other (nesting)";

/// Refuses what is over a limit.
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
