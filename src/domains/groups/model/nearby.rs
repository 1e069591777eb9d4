//! Groups that are near.

use super::Group;
use crate::geo::GridCell;

/// A group in a list of those that are near, as it is read.
#[derive(Clone, Debug)]
pub struct NearbyGroup {
    /// The group.
    pub group: Group,
    /// The cell that it is in.
    pub cell: GridCell,
    /// What the list is ordered by: the straight line to the group's point in space, in metres.
    pub away: f64,
}
