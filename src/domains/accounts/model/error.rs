//! What can go wrong with an account, for the person to act on.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::error::{Detail, UserError, UserErrorCode};
use crate::money::Money;
use crate::validation::DomainError;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Neither a username nor a proven contact was given.
    #[error("Choose a username, or give an e-mail address or phone number with its code.")]
    UsernameMissing,
    /// The username can't be used by anybody.
    #[error(
        "A username has 2 to 32 letters, digits, dots, hyphens or underscores, at least one letter, \
         none of another script that look alike, and is not \"u\" with a number."
    )]
    UsernameUnusable,
    /// Another account has this username.
    #[error("This username is taken.")]
    UsernameTaken,
    /// Another account has this address; told only to those who have proven to read its mail, and to administrators.
    #[error("This e-mail address belongs to another account.")]
    EmailTaken,
    /// Another account has this number; told only to those who have proven to read its messages, and to administrators.
    #[error("This phone number belongs to another account.")]
    PhoneTaken,
    /// The nickname is empty, too long, not to be seen, or made to look like another.
    #[error(
        "A nickname has 1 to 32 characters on one line, none of them invisible, \
         and no word with letters of several scripts that look alike."
    )]
    NicknameUnusable,
    /// What can't be cleared was.
    #[error("This can't be cleared.")]
    Required,
    /// A code without its contact.
    #[error("A code is given without the contact that it was sent to.")]
    ContactMissing,
    /// A text is too long.
    #[error("This has at most {0} characters.")]
    TooLong(usize),
    /// A text has too many bytes, in however few characters.
    #[error("This has at most {0} bytes, which some characters take many of.")]
    TooManyBytes(usize),
    /// A text has control characters.
    #[error("This stands on one line, without control characters.")]
    NotOneLine,
    /// A text has control characters other than line breaks.
    #[error("This has control characters.")]
    NotText,
    /// Has an `@`, and is no address.
    #[error("This is no e-mail address that mail can be sent to: write it as ada@example.com.")]
    NoEmail,
    /// Has digits and no letters, and is no number.
    #[error("There is no such phone number: write it with its country, as +8615712345678.")]
    NoPhone,
    /// A date of birth in the future, or too long ago.
    #[error("A birthday lies between 1900 and today.")]
    BirthdayOutOfRange,
    /// There is no such place.
    #[error("A longitude lies between -180 and 180, a latitude between -90 and 90.")]
    CoordinatesOutOfRange,
    /// More points than anybody can have.
    #[error("A score lies between -1000000 and 1000000.")]
    ScoreOutOfRange,
    /// The device name is too long.
    #[error("A device name has at most 100 characters.")]
    DeviceNameTooLong,
    /// The device name has control characters.
    #[error("A device name stands on one line.")]
    DeviceNameUnusable,
    /// The password is too short.
    #[error("A password has at least 8 characters.")]
    PasswordTooShort,
    /// The password is too long.
    #[error("A password has at most 128 characters.")]
    PasswordTooLong,
    /// The password is among the first that anybody would try.
    #[error("This password is too common: choose one that nobody would guess.")]
    PasswordCommon,
    /// Unknown account or wrong password; the client does not learn which.
    #[error("Account and password do not match.")]
    CredentialsMismatch,
    /// The password that should be replaced is not the current one.
    #[error("The current password is not right.")]
    CurrentPasswordWrong,
    /// A change of contacts or password, or leaving, by a session whose user signed in too long ago.
    #[error("Prove who you are first: reauthenticate, or sign in again.")]
    AuthenticationTooOld,
    /// The refresh token is unknown, used up, expired or revoked.
    #[error("This refresh token is no longer valid; sign in again.")]
    RefreshTokenInvalid,
    /// Right credentials of a suspended account.
    #[error("This account is suspended{}.", because(*.until, .reason.as_deref()))]
    Suspended {
        /// Until when, unless it is for good.
        until: Option<DateTime<Utc>>,
        /// In an administrator's words.
        reason: Option<String>,
    },
    /// A captcha is asked for, and none was given.
    #[error("Solve an image captcha first: createImageCaptcha with the purpose {0}.")]
    CaptchaMissing(&'static str),
    /// The captcha was misread, used before, over, or for something else.
    #[error("The captcha's answer is not right, or it was used or is over: make a new one.")]
    CaptchaWrong,
    /// The code is wrong, was used, or was tried too often.
    #[error("This code is not right, or was used up; after a few wrong tries ask for a new one.")]
    CodeWrong,
    /// The code was right, some time ago.
    #[error("This code has expired: ask for a new one.")]
    CodeExpired,
    /// The link is not ours, or not whole.
    #[error("This link is not valid.")]
    LinkInvalid,
    /// The link was good, some time ago, or the address was changed since.
    #[error("This link has expired: ask for a new one.")]
    LinkExpired,
    /// Codes for this are not had this way.
    #[error("Ask for a code to reset a password with requestPasswordReset.")]
    ResetElsewhere,
    /// An address where a number is needed, or the other way round.
    #[error("VERIFY_EMAIL goes with an e-mail address, VERIFY_PHONE with a phone number.")]
    PurposeOfOther,
    /// The contact is not one that waits to be verified.
    #[error("This contact is not waiting to be verified: set it with updateProfile first.")]
    NotPending,
    /// No address waits to be verified.
    #[error("No e-mail address is waiting to be verified.")]
    NothingPending,
    /// Without it the account could not be signed in to any more.
    #[error("This is the only way into the account: set a password, or verify another contact first.")]
    LastWayIn,
    /// The end of a suspension lies in the past.
    #[error("The end of a suspension lies in the future.")]
    UntilPassed,
    /// The target is the actor.
    #[error("You can't do this to yourself.")]
    Oneself,
    /// The ID card is not the one that was reviewed.
    #[error("The number of the ID card has changed: review it again.")]
    IdCardChanged,
    /// Others count on it.
    #[error("There are tasks or orders that are not over: finish, cancel or give them up first.")]
    Unfinished,
    /// What is in the wallet would be lost.
    #[error("There is a balance of {0} that would be lost: spend it, or say forfeitBalance.")]
    BalanceLeft(Money),
    /// No account has this id.
    #[error("There is no such user.")]
    NoSuchUser,
    /// The viewer has no such session.
    #[error("You have no such session.")]
    NoSuchSession,
}

fn because(until: Option<DateTime<Utc>>, reason: Option<&str>) -> String {
    let until = until.map(|until| format!(" until {}", until.to_rfc3339_opts(SecondsFormat::Secs, true)));
    let reason = reason.map(|reason| format!(": {}", reason.trim_end_matches('.')));
    format!("{}{}", until.unwrap_or_default(), reason.unwrap_or_default())
}

impl AccountError {
    fn code(&self) -> UserErrorCode {
        use UserErrorCode as Code;
        match self {
            Self::UsernameMissing | Self::Required | Self::ContactMissing => Code::Required,
            Self::UsernameUnusable
            | Self::NicknameUnusable
            | Self::DeviceNameUnusable
            | Self::NotOneLine
            | Self::NotText
            | Self::NoEmail
            | Self::NoPhone
            | Self::ResetElsewhere
            | Self::PurposeOfOther
            | Self::NotPending
            | Self::NothingPending
            | Self::LastWayIn => Code::InvalidInput,
            Self::UsernameTaken => Code::UsernameTaken,
            Self::EmailTaken => Code::EmailTaken,
            Self::PhoneTaken => Code::PhoneTaken,
            Self::DeviceNameTooLong | Self::TooLong(_) | Self::TooManyBytes(_) => Code::TooLong,
            Self::BirthdayOutOfRange | Self::CoordinatesOutOfRange | Self::ScoreOutOfRange | Self::UntilPassed => {
                Code::OutOfRange
            }
            Self::PasswordTooShort | Self::PasswordTooLong | Self::PasswordCommon => Code::WeakPassword,
            Self::CredentialsMismatch | Self::CurrentPasswordWrong | Self::RefreshTokenInvalid => {
                Code::InvalidCredentials
            }
            Self::AuthenticationTooOld => Code::ReauthenticationRequired,
            Self::Suspended { .. } => Code::AccountSuspended,
            Self::CaptchaMissing(_) | Self::CaptchaWrong => Code::CaptchaInvalid,
            Self::CodeWrong | Self::LinkInvalid => Code::CodeInvalid,
            Self::CodeExpired | Self::LinkExpired => Code::CodeExpired,
            Self::Oneself => Code::SelfTarget,
            Self::Unfinished | Self::IdCardChanged | Self::BalanceLeft(_) => Code::Conflict,
            Self::NoSuchUser | Self::NoSuchSession => Code::NotFound,
        }
    }

    /// The failure with its code, at an argument's dotted path.
    #[must_use]
    pub fn at(&self, path: &str) -> UserError {
        let error = UserError::new(self.code(), self.to_string(), path);
        match self {
            Self::BalanceLeft(balance) => UserError { detail: Some(Detail::Current(balance.to_string())), ..error },
            _ => error,
        }
    }
}

impl DomainError for AccountError {
    fn required() -> Self {
        Self::Required
    }

    fn at(&self, path: &str) -> UserError {
        self.at(path)
    }
}
