//! Rows and enums of friends, and what can go wrong with them.

use std::sync::Arc;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::Serialize;

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::domains::relations::model::BlockState;
use crate::error::{UserError, UserErrorCode};
use crate::ids::{FriendGroupId, FriendRequestId, FriendshipId, UserId};
use crate::validation::DomainError;

pg_enum! {
    /// What became of a request.
    #[derive(Enum, Serialize)]
    pub enum RequestStatus: sql_types::FriendRequestStatus {
        /// Not answered yet.
        Waiting = "WAITING",
        /// Accepted, by an answer or by a request in the other direction.
        Accepted = "ACCEPTED",
        /// Denied.
        Denied = "DENIED",
        /// Withdrawn by its sender.
        Cancelled = "CANCELLED",
        /// Not answered within 30 days.
        Expired = "EXPIRED",
    }
}

impl RequestStatus {
    /// What has become of a request by now that is over at a time.
    #[must_use]
    pub fn by(self, now: DateTime<Utc>, expires_at: DateTime<Utc>) -> Self {
        if self == Self::Waiting && expires_at <= now { Self::Expired } else { self }
    }

    /// Whether bringing a request to an end changes it, given what has become of it by now: not where it came to this end
    /// before; none where it can't come to it any more.
    #[must_use]
    pub fn changes_to(self, end: Self) -> Option<bool> {
        match self {
            Self::Waiting => Some(true),
            status => (status == end).then_some(false),
        }
    }
}

/// A request to become friends.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::friend_requests)]
pub struct FriendRequest {
    /// Key.
    pub id: FriendRequestId,
    /// The sender.
    pub from_user_id: UserId,
    /// The recipient.
    pub to_user_id: UserId,
    /// What the sender says; may be empty.
    pub reason: String,
    /// What the recipient says who denies it.
    pub deny_reason: Option<String>,
    /// What became of it; see [`FriendRequest::status_at`].
    pub status: RequestStatus,
    /// Whether the recipient never sees it.
    pub hidden: bool,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// When it is over, unless it is answered before.
    pub expires_at: DateTime<Utc>,
    /// When it was answered or withdrawn.
    pub replied_at: Option<DateTime<Utc>>,
}

impl FriendRequest {
    /// What has become of it by now.
    #[must_use]
    pub fn status_at(&self, now: DateTime<Utc>) -> RequestStatus {
        self.status.by(now, self.expires_at)
    }

    /// Whether a person sees it: its sender and, unless it is hidden from them, its recipient.
    #[must_use]
    pub fn is_seen_by(&self, user: UserId) -> bool {
        self.from_user_id == user || (self.to_user_id == user && !self.hidden)
    }
}

/// A request to be.
#[derive(Clone, Copy, Debug)]
pub struct NewRequest<'a> {
    /// The sender.
    pub from: UserId,
    /// The recipient.
    pub to: UserId,
    /// What the sender says.
    pub reason: &'a str,
    /// Whether the recipient never sees it.
    pub hidden: bool,
    /// Now.
    pub now: DateTime<Utc>,
    /// When it is over.
    pub expires_at: DateTime<Utc>,
}

/// A friendship as one of the two has it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::friendships)]
pub struct Friendship {
    /// Key.
    pub id: FriendshipId,
    /// The one whose friendship it is.
    pub owner_id: UserId,
    /// The friend.
    pub friend_id: UserId,
    /// What the owner calls the friend; may be empty.
    pub remark: String,
    /// The owner's labels for the friend.
    pub labels: Vec<Option<String>>,
    /// What it is sorted by.
    pub sort_key: String,
    /// Whether the owner blocks the friend.
    pub hidden: bool,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// One side of a friendship to be.
#[derive(Clone, Copy, Debug)]
pub struct NewFriendship<'a> {
    /// The one whose friendship it is.
    pub owner: UserId,
    /// The friend.
    pub friend: UserId,
    /// What it is sorted by.
    pub sort_key: &'a str,
}

/// A group of friends.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::friend_groups)]
pub struct FriendGroup {
    /// Key.
    pub id: FriendGroupId,
    /// The one whose group it is.
    pub owner_id: UserId,
    /// Its name.
    pub name: String,
}

/// What there is between two people, as one of them sees it.
#[derive(Clone, Debug, Default)]
pub struct Relationship {
    /// Both are the same person.
    pub is_self: bool,
    /// The other one is in the viewer's list of friends.
    pub is_friend: bool,
    /// Who blocks the other.
    pub blocks: BlockState,
    /// The viewer's request that waits.
    pub outgoing: Option<Arc<FriendRequest>>,
    /// The other one's request that waits.
    pub incoming: Option<Arc<FriendRequest>>,
}

/// Whether the recipient of a request accepts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum RequestDecision {
    /// They become friends.
    Accept,
    /// They do not.
    Deny,
}

impl RequestDecision {
    /// What a request becomes by it.
    #[must_use]
    pub fn status(self) -> RequestStatus {
        match self {
            Self::Accept => RequestStatus::Accepted,
            Self::Deny => RequestStatus::Denied,
        }
    }
}

/// Which requests of the viewer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize)]
pub enum RequestDirection {
    /// Those that others sent to them.
    Incoming,
    /// Those that they sent.
    Outgoing,
}

/// Which friends a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct FriendFilter {
    /// A part of the remark, of the nickname or of its pinyin.
    pub query: Option<FriendSearch>,
    /// With this label.
    pub label: Option<String>,
    /// In this group.
    pub group: Option<FriendGroupId>,
}

/// What friends are looked for by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct FriendSearch {
    /// A part of a name, in lower case.
    pub text: String,
    /// A part of a sort key; none where the text has Chinese characters, which stand for themselves.
    pub key: Option<String>,
}

/// Changes of a friendship by its owner.
#[derive(Clone, Debug)]
pub enum FriendshipEdit {
    /// Another remark.
    Remark {
        /// The remark; may be empty.
        remark: String,
        /// What the friend is sorted by from now on.
        sort_key: String,
    },
    /// Other labels.
    Labels(Vec<String>),
}

/// What became of a request, and the friendship that it made.
#[derive(Clone, Debug)]
pub struct AnsweredRequest {
    /// The request.
    pub request: FriendRequest,
    /// The viewer's side of the friendship.
    pub friendship: Option<Friendship>,
}

/// What can go wrong with friends, for the person to act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FriendError {
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Required,
    /// No such person, or they left.
    #[error("There is no such user.")]
    NoSuchUser,
    /// No such request, or not for the viewer to see.
    #[error("There is no such request.")]
    NoSuchRequest,
    /// No such group, or another user's.
    #[error("You have no such group of friends.")]
    NoSuchGroup,
    /// Oneself.
    #[error("You can't do this to yourself.")]
    SelfTarget,
    /// They are friends already.
    #[error("You are friends already.")]
    AlreadyFriends,
    /// They are no friends.
    #[error("You are no friends.")]
    NotFriends,
    /// A request waits already.
    #[error("Your request to them waits already.")]
    RequestPending,
    /// The viewer blocks them.
    #[error("You block them: unblock them first.")]
    Blocked,
    /// They share only groups whose members send each other no requests.
    #[error("Members of your common group don't send each other requests.")]
    MemberPrivacy,
    /// The request is over.
    #[error("The request is no longer waiting.")]
    RequestOver,
    /// One of the two has too many friends.
    #[error("One of you has {0} friends already, which is the most.")]
    TooManyFriends(i32),
    /// The viewer has too many groups of friends.
    #[error("You have {0} groups of friends already, which is the most.")]
    TooManyGroups(i64),
    /// The viewer has a group of this name.
    #[error("You have a group of friends with this name.")]
    NameTaken,
    /// Too many at once.
    #[error("At most {0} at once.")]
    TooManyAtOnce(usize),
    /// The same label twice.
    #[error("This label is there twice.")]
    RepeatedLabel,
}

impl DomainError for FriendError {
    fn required() -> Self {
        Self::Required
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Required => UserErrorCode::Required,
            Self::NoSuchUser | Self::NoSuchRequest | Self::NoSuchGroup => UserErrorCode::NotFound,
            Self::SelfTarget => UserErrorCode::SelfTarget,
            Self::AlreadyFriends => UserErrorCode::AlreadyFriends,
            Self::NotFriends => UserErrorCode::NotFriends,
            Self::RequestPending => UserErrorCode::RequestPending,
            Self::Blocked => UserErrorCode::Blocked,
            Self::MemberPrivacy => UserErrorCode::MemberPrivacy,
            Self::RequestOver | Self::TooManyFriends(_) | Self::TooManyGroups(_) | Self::NameTaken => {
                UserErrorCode::Conflict
            }
            Self::TooManyAtOnce(_) => UserErrorCode::OutOfRange,
            Self::RepeatedLabel => UserErrorCode::InvalidInput,
        };
        UserError::new(code, self.to_string(), path)
    }
}
