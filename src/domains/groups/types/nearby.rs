//! Groups that are near.

use async_graphql::SimpleObject;

use super::Group;
use crate::domains::groups::model;
use crate::geo::GridCell;
use crate::graphql::eager::plain_struct;

/// A group that is near. Where groups are is known as cells of about 500 m alone.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct NearbyGroup {
    /// The group.
    pub group: Group,
    /// Whole metres from the centre of the cell that is asked from to the centre of the cell that the group is in; 0 in the
    /// same cell.
    pub distance_meters: f64,
}

plain_struct!(NearbyGroup { "group" => group, "distanceMeters" => distance_meters });

impl NearbyGroup {
    /// The group as it is seen from a cell.
    #[must_use]
    pub fn seen_from(from: GridCell, near: model::nearby::NearbyGroup) -> Self {
        let model::nearby::NearbyGroup { group, cell, .. } = near;
        Self { group: group.into(), distance_meters: from.distance_meters(cell).round() }
    }
}
