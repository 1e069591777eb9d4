//! What messages tell of the members of a group.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};

use crate::ids::UserId;

/// What happened to members of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SystemChange {
    /// They joined, by themselves or invited.
    Joined,
    /// They left.
    Left,
    /// They were removed.
    Removed,
    /// They run the group together with its owner from now on.
    BecameManager,
    /// They no longer run the group.
    NoLongerManager,
    /// The group is theirs from now on.
    BecameOwner,
}

/// What a message tells of the members of a group, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemNote {
    /// What happened.
    pub change: SystemChange,
    /// To these: no more than a group has.
    pub users: Vec<UserId>,
    /// The group hid its members at that time: each of these is told of themselves alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_hidden: bool,
}

impl SystemNote {
    /// How many users are named to a viewer; `graphql/document/sizes` counts as many.
    pub const NAMED: usize = 20;

    /// What happened to some users.
    #[must_use]
    pub fn new(change: SystemChange, users: &[UserId], is_hidden: bool) -> Self {
        Self { change, users: users.to_vec(), is_hidden }
    }

    /// Whether all are told the same of it.
    #[must_use]
    pub fn is_same_for_all(&self) -> bool {
        !self.is_hidden && self.users.len() <= Self::NAMED
    }

    /// The users who are named to one of them or another viewer: the viewer first.
    pub fn named_to(&self, viewer: UserId) -> impl Iterator<Item = UserId> {
        let own = self.users.iter().filter(move |user| **user == viewer);
        let others = self.users.iter().filter(move |user| **user != viewer && !self.is_hidden);
        own.chain(others).copied().take(Self::NAMED)
    }
}
