//! What can go wrong with groups.

use crate::error::{UserError, UserErrorCode};
use crate::validation::DomainError;

/// What can go wrong with groups, for the person to act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Required,
    /// No such group, or dissolved.
    #[error("There is no such group.")]
    NoSuchGroup,
    /// Not a member.
    #[error("You are not, or no longer, in this group.")]
    NotMember,
    /// Another user who is no member.
    #[error("They are not in this group.")]
    NotInGroup,
    /// For those who run it.
    #[error("Only the owner and managers of the group can do this.")]
    NotStaff,
    /// For the owner.
    #[error("Only the owner of the group can do this.")]
    NotOwner,
    /// A member of at least the same rank.
    #[error("You can do this only to members who rank below you.")]
    NotBelow,
    /// Oneself.
    #[error("You can't do this to yourself.")]
    SelfTarget,
    /// A member already.
    #[error("They are in this group already.")]
    AlreadyIn,
    /// Waits already.
    #[error("Your request to join waits already.")]
    RequestPending,
    /// No such request.
    #[error("There is no such request.")]
    NoSuchRequest,
    /// The request is over.
    #[error("The request is no longer waiting.")]
    RequestOver,
    /// Nobody can ask to join.
    #[error("This group takes no requests to join.")]
    Closed,
    /// Members can't invite.
    #[error("Only the owner and managers of this group invite.")]
    InvitesClosed,
    /// As many members as can be.
    #[error("The group has {0} members already, which is the most.")]
    Full(i32),
    /// As many managers as can be.
    #[error("The group has {0} managers already, which is the most.")]
    TooManyManagers(usize),
    /// Its owner can't leave.
    #[error("Its owner can't leave it: transfer or dissolve it.")]
    OwnerMustTransfer,
    /// No friends.
    #[error("You are no friends.")]
    NotFriends,
    /// The other user does not take it.
    #[error("You can't add them.")]
    NotTaken,
    /// Too many at once.
    #[error("At most {0} at once.")]
    TooManyAtOnce(usize),
    /// The same user twice.
    #[error("This user is there twice.")]
    RepeatedUser,
    /// There is no such place.
    #[error("A longitude lies between -180 and 180, a latitude between -90 and 90.")]
    CoordinatesOutOfRange,
    /// Not a time to be muted for.
    #[error("Minutes go from 0 to {0}.")]
    MinutesOutOfRange(i32),
}

impl DomainError for GroupError {
    fn required() -> Self {
        Self::Required
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Required => UserErrorCode::Required,
            Self::NoSuchGroup | Self::NoSuchRequest => UserErrorCode::NotFound,
            Self::NotMember | Self::NotInGroup => UserErrorCode::NotMember,
            Self::NotStaff | Self::NotOwner | Self::NotBelow | Self::NotTaken | Self::InvitesClosed => {
                UserErrorCode::Forbidden
            }
            Self::SelfTarget => UserErrorCode::SelfTarget,
            Self::AlreadyIn => UserErrorCode::AlreadyExists,
            Self::RequestPending => UserErrorCode::RequestPending,
            Self::Closed => UserErrorCode::GroupClosed,
            Self::Full(_) => UserErrorCode::GroupFull,
            Self::OwnerMustTransfer => UserErrorCode::OwnerMustTransfer,
            Self::NotFriends => UserErrorCode::NotFriends,
            Self::RequestOver | Self::TooManyManagers(_) => UserErrorCode::Conflict,
            Self::TooManyAtOnce(_) | Self::CoordinatesOutOfRange | Self::MinutesOutOfRange(_) => {
                UserErrorCode::OutOfRange
            }
            Self::RepeatedUser => UserErrorCode::InvalidInput,
        };
        UserError::new(code, self.to_string(), path)
    }
}
