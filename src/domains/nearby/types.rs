//! GraphQL types of who is near.

use async_graphql::Object;

use super::model::PositionVisibility;
use crate::domains::accounts::types::{User, UserRelation};
use crate::graphql::eager::{plain, plain_enums};
use crate::ids::UserId;

/// A user who is near.
#[derive(Clone, Copy, Debug)]
pub struct NearbyUser {
    /// The user.
    pub user: UserId,
    /// Metres to them.
    pub distance: f64,
}

/// A user who is near. Positions are known as cells of about 500 m alone.
#[Object(crate = "crate::graphql::eager")]
impl NearbyUser {
    /// The user. Costs a statement for a whole list of users, unless all were seen lately.
    fn user(&self) -> UserRelation {
        User::by_id(self.user)
    }

    /// Whole metres from the centre of the cell that is asked from to the centre of the cell that the user is in; 0 in the
    /// same cell.
    fn distance_meters(&self) -> f64 {
        self.distance
    }
}

plain!(NearbyUser {
    "user" => user,
    "distanceMeters" => distance_meters,
});

plain_enums!(PositionVisibility);
