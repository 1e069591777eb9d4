//! Messages that tell of the members of a group.

use async_graphql::{Context, Object};

use crate::domains::accounts::types::{User, UserRelation};
use crate::domains::chat::model::{SystemChange, SystemNote};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{plain, plain_enums};
use crate::ids::UserId;

/// What happened to members of a group: joined, left, were removed, or run it from now on or no longer.
#[derive(Clone, Debug)]
pub struct SystemContent {
    pub(super) note: SystemNote,
    pub(super) actor: UserId,
}

/// What happened to members of a group: joined, left, were removed, or run it from now on or no longer.
#[Object(crate = "crate::graphql::eager")]
impl SystemContent {
    /// What happened.
    fn change(&self) -> SystemChange {
        self.note.change
    }

    /// To which users, at most 20 of them; where they are more, the viewer first, if it was them as well. Where the group hid its
    /// members at that time, the viewer alone.
    fn users(&self, ctx: &Context<'_>) -> AppResult<Vec<UserRelation>> {
        if self.note.is_same_for_all() {
            return Ok(self.note.users.iter().map(|user| User::by_id(*user)).collect());
        }
        Ok(self.note.named_to(ctx.viewer()?.user_id).map(User::by_id).collect())
    }

    /// How many they are.
    fn count(&self) -> i32 {
        i32::try_from(self.note.users.len()).unwrap_or(i32::MAX)
    }

    /// Who did it; null where the group hid its members at that time.
    fn actor(&self) -> Option<UserRelation> {
        (!self.note.is_hidden).then(|| User::by_id(self.actor))
    }
}

plain!(SystemContent {
    "change" => change,
    "users" => users,
    "count" => count,
    "actor" => actor,
});
plain_enums!(SystemChange);
