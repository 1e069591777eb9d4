//! Ranges and directions, for filters and orders of lists.

use async_graphql::{Enum, InputObject};
use chrono::{TimeDelta, Utc};

use super::scalars::{DateTime, Decimal};

/// Amounts from `min` to `max`, both included.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DecimalRange {
    /// At least; no bound where it is left out.
    pub min: Option<Decimal>,
    /// At most; no bound where it is left out.
    pub max: Option<Decimal>,
}

/// Instants from `from` to `to`, both included.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DateTimeRange {
    /// Not before; no bound where it is left out.
    from: Option<DateTime>,
    /// Not after; no bound where it is left out.
    to: Option<DateTime>,
}

impl DateTimeRange {
    /// From when.
    #[must_use]
    pub fn first(&self) -> Option<chrono::DateTime<Utc>> {
        self.from.map(|at| at.0)
    }

    /// Until when: to the end of the millisecond, as instants are shown.
    #[must_use]
    pub fn last(&self) -> Option<chrono::DateTime<Utc>> {
        self.to.map(|at| at.0 + TimeDelta::microseconds(999))
    }
}

/// Which way a list goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SortDirection {
    /// The smallest or oldest first.
    Asc,
    /// The largest or newest first.
    Desc,
}
