//! Positions, and what can go wrong with them.

use async_graphql::Enum;
use chrono::{DateTime, Utc};

use crate::db::pg_enum;
use crate::db::schema::sql_types;
use crate::error::{UserError, UserErrorCode};
use crate::geo::GridCell;
use crate::ids::UserId;
use crate::validation::{DomainError, Patch};

pg_enum! {
    /// Who sees a user among `nearbyUsers`.
    #[derive(Enum)]
    pub enum PositionVisibility: sql_types::PositionVisibility {
        /// Every signed-in user.
        Everybody = "EVERYBODY",
        /// Those who have the user in their list of friends.
        Friends = "FRIENDS",
        /// No other user.
        Nobody = "NOBODY",
    }
}

/// Where a person is.
#[derive(Clone, Copy, Debug)]
pub struct UserPosition {
    /// The cell.
    pub cell: GridCell,
    /// Who sees it.
    pub visibility: PositionVisibility,
    /// When the person was there.
    pub located_at: DateTime<Utc>,
}

/// What a person changes of their position.
#[derive(Clone, Copy, Debug)]
pub struct PositionChange {
    /// Where they are.
    pub cell: Patch<GridCell>,
    /// Who sees it; none to leave it.
    pub visibility: Option<PositionVisibility>,
}

/// A person in a list, as it is read.
#[derive(Clone, Copy, Debug)]
pub struct NearbyPerson {
    /// The person.
    pub user_id: UserId,
    /// The cell that they are in.
    pub cell: GridCell,
    /// What they are ordered by: the straight line to their point in space, in metres.
    pub away: f64,
}

/// What can go wrong with positions, for the person to act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NearbyError {
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Required,
    /// There is no position to show.
    #[error("You have no position to show: send coordinates as well.")]
    NoPosition,
}

impl DomainError for NearbyError {
    fn required() -> Self {
        Self::Required
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Required => UserErrorCode::Required,
            Self::NoPosition => UserErrorCode::Conflict,
        };
        UserError::new(code, self.to_string(), path)
    }
}
