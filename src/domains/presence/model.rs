//! Whether a user is online, and who sees it.

use async_graphql::Enum;
use chrono::{DateTime, Utc};

use crate::db::pg_enum;
use crate::db::schema::sql_types;
use crate::ids::UserId;

pg_enum! {
    /// Who sees whether a user is online, and when they were last.
    #[derive(Enum)]
    pub enum PresenceVisibility: sql_types::PresenceVisibility {
        /// Their friends.
        Friends = "FRIENDS",
        /// Every signed-in user.
        Everybody = "EVERYBODY",
        /// No other user.
        Nobody = "NOBODY",
    }
}

/// Whether a user is online, for those who may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// They have a subscription, on whichever instance.
    pub is_online: bool,
    /// When they were last online or used a session; none where that is not known.
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// A friend of a user's who follows whether the user is online.
#[derive(Clone, Copy, Debug)]
pub struct Follower {
    /// The user.
    pub user: UserId,
    /// The friend.
    pub follower: UserId,
    /// Who sees it.
    pub visibility: PresenceVisibility,
    /// When one of the user's sessions was last used.
    pub last_used_at: Option<DateTime<Utc>>,
}
