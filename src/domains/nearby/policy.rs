//! How far one may look, and how often.

use chrono::TimeDelta;

use crate::error::{AppError, AppResult};
use crate::geo::GeoPoint;

/// How long a position is shown.
pub const POSITION_LIFETIME: TimeDelta = TimeDelta::days(30);

/// People in a list at most.
pub const LIST_LIMIT: i64 = 500;

/// For how long the cells are counted that a person asks from.
pub const ASK_WINDOW: TimeDelta = TimeDelta::hours(1);

/// How far a list reaches where it is not said.
const DEFAULT_METERS: i32 = 10_000;

/// How far a list reaches at most.
const MOST_METERS: i32 = 50_000;

/// Where one asks from.
///
/// # Errors
/// Bad input where there is no such place.
pub fn check_origin(at: GeoPoint) -> AppResult<GeoPoint> {
    if at.is_on_earth() {
        return Ok(at);
    }
    Err(AppError::bad_input("`at` needs a longitude from -180 to 180, and a latitude from -90 to 90."))
}

/// What is wrong where a list begins at the viewer's position, and they have none.
#[must_use]
pub fn no_origin() -> AppError {
    AppError::bad_input("`at` is needed: you have no position of your own.")
}

/// How far a list reaches, in metres.
///
/// # Errors
/// Bad input below 1 and above 50,000.
pub fn check_reach(within: Option<i32>) -> AppResult<i32> {
    let within = within.unwrap_or(DEFAULT_METERS);
    if (1..=MOST_METERS).contains(&within) {
        return Ok(within);
    }
    Err(AppError::bad_input(format!("`withinMeters` has to be from 1 to {MOST_METERS}.")))
}
