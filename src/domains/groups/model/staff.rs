//! Who runs a group.

use crate::ids::UserId;

/// Who runs a group, also one that was dissolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStaff {
    /// General members don't see who the others are.
    pub are_members_hidden: bool,
    /// The owner and the managers.
    pub users: Vec<UserId>,
}

impl GroupStaff {
    /// Whether a user runs the group.
    #[must_use]
    pub fn has(&self, user: UserId) -> bool {
        self.users.contains(&user)
    }
}
