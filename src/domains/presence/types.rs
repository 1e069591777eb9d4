//! GraphQL types of presence.

use async_graphql::{Object, SimpleObject};

use super::model;
use crate::domains::accounts::types::User;
use crate::graphql::eager::{plain, plain_enums, plain_struct};
use crate::graphql::scalars::DateTime;
use crate::live::presence::PresenceNotice;

/// Whether a user is online, and when they were last.
#[derive(Clone, Copy, Debug)]
pub struct Presence(pub model::Presence);

/// Whether a user is online, and when they were last.
#[Object(crate = "crate::graphql::eager")]
impl Presence {
    /// Whether they have a subscription open on any device, or had one within the last 3 seconds.
    fn is_online(&self) -> bool {
        self.0.is_online
    }

    /// When they were last online, to within some minutes where that is long ago; while they are online, some time before. Null
    /// where it is not known any more.
    fn last_seen_at(&self) -> Option<DateTime> {
        self.0.last_seen_at.map(Into::into)
    }
}

/// A friend of the viewer's came online or went offline, or changed who sees it. Told once, to those who listen at that moment: it
/// is no part of `events`, has no cursor, and is never replayed.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct PresenceEvent {
    /// The friend.
    user: User,
    /// Whether they are online now; null where they no longer let friends see it.
    presence: Option<Presence>,
}

impl PresenceEvent {
    /// As a subscriber is told.
    #[must_use]
    pub fn of(notice: &PresenceNotice) -> Self {
        Self { user: User(notice.user.clone()), presence: notice.presence.map(Presence) }
    }
}

plain!(Presence {
    "isOnline" => is_online,
    "lastSeenAt" => last_seen_at,
});
plain_enums!(model::PresenceVisibility);
plain_struct!(PresenceEvent { "user" => user, "presence" => presence });
