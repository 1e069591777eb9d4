//! What there is between two people.

use crate::ids::UserId;

/// A person whom another one blocks.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Place in the list.
    pub id: i64,
    /// The one who is blocked.
    pub blocked_id: UserId,
}

/// Who of two people blocks the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockState {
    /// The one who asks.
    pub own: bool,
    /// The other one.
    pub theirs: bool,
}
