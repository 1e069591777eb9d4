//! What can go wrong with merchants.

use crate::error::{UserError, UserErrorCode};
use crate::validation::DomainError;

/// What can go wrong with merchants, for the person to act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MerchantError {
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Required,
    /// No such merchant, or closed.
    #[error("There is no such merchant.")]
    NoSuchMerchant,
    /// No such user.
    #[error("There is no such user.")]
    NoSuchUser,
    /// Not a member.
    #[error("You are not, or no longer, a member of this merchant.")]
    NotMember,
    /// Another user who is no member.
    #[error("They are not a member of this merchant.")]
    NotJoined,
    /// For the owner.
    #[error("Only the owner of the merchant can do this.")]
    NotOwner,
    /// Not the contact.
    #[error("You are not the customer-service contact of this merchant.")]
    NotContact,
    /// The owner, who is the contact where no other user is.
    #[error("The owner stays the contact until another user is named.")]
    OwnerIsContact,
    /// A user who can't be named.
    #[error("This user can't be named.")]
    NotTaken,
    /// Oneself.
    #[error("You can't do this to yourself.")]
    SelfTarget,
    /// The owner can't leave.
    #[error("Its owner can't leave it while others are members: transfer it first.")]
    OwnerMustTransfer,
    /// No code that can be used.
    #[error("There is no such activation code, or its time is over.")]
    CodeInvalid,
    /// Used before.
    #[error("A merchant was made with this activation code already.")]
    CodeUsed,
    /// No such code, for administrators.
    #[error("There is no such activation code.")]
    NoSuchCode,
    /// A code that a merchant was made with.
    #[error("A merchant was made with it: it can't be revoked any more.")]
    CodeSpent,
    /// Not a number of codes.
    #[error("1 to {0} codes can be made at once.")]
    CountOutOfRange(i32),
    /// A time that is over, or can't be stored.
    #[error("This has to be a time to come.")]
    ExpiryPassed,
}

impl DomainError for MerchantError {
    fn required() -> Self {
        Self::Required
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Required => UserErrorCode::Required,
            Self::NoSuchMerchant | Self::NoSuchUser | Self::NoSuchCode => UserErrorCode::NotFound,
            Self::NotMember | Self::NotJoined => UserErrorCode::NotMember,
            Self::NotOwner | Self::NotContact | Self::OwnerIsContact | Self::NotTaken => UserErrorCode::Forbidden,
            Self::SelfTarget => UserErrorCode::SelfTarget,
            Self::OwnerMustTransfer => UserErrorCode::OwnerMustTransfer,
            Self::CodeInvalid => UserErrorCode::ActivationCodeInvalid,
            Self::CodeUsed => UserErrorCode::ActivationCodeUsed,
            Self::CodeSpent => UserErrorCode::Conflict,
            Self::CountOutOfRange(_) => UserErrorCode::OutOfRange,
            Self::ExpiryPassed => UserErrorCode::InvalidInput,
        };
        UserError::new(code, self.to_string(), path)
    }
}
