//! Errors: what a client may see of them, and nothing else.
//!
//! There are two families. A [`UserError`] is a business failure that a person can act on; it stands in a payload's
//! `userErrors`. Every other failure becomes an entry of the response's `errors` with an [`ErrorCode`]; internal ones
//! are logged once, masked, and carry a trace id.
//!
//! [`AppError`] deliberately does not implement `Display`: async-graphql turns anything that does into a client
//! message, and `?` on a database error would send SQL text to the client. The one mapping to GraphQL is
//! `graphql::errors`.

use std::sync::Arc;

use async_graphql::Enum;

use crate::money::Money;

/// `errors[].extensions.code`: a request, authentication or internal failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// No token where one is needed, or a bad or expired one anywhere.
    Unauthenticated,
    /// Signed in, but not allowed.
    Forbidden,
    /// An argument of a query or subscription is not acceptable.
    BadUserInput,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// `operationName` names no operation of the document, or is missing where there are several.
    OperationResolutionFailure,
    /// The document is over a limit; the message says which, and its value.
    QueryTooExpensive,
    /// A hash whose document is not known here: send the text along.
    PersistedQueryNotFound,
    /// Only the documents of a manifest run here.
    DocumentNotTrusted,
    /// Mutation by GET, or another method.
    MethodNotAllowed,
    /// A body that is not JSON by its media type.
    UnsupportedMediaType,
    /// No media type that the client accepts can be given.
    NotAcceptable,
    /// A form or a page of another site may be sending it in the user's name.
    CsrfRefused,
    /// A body over the limit.
    PayloadTooLarge,
    /// The body took too long to arrive.
    RequestTimeout,
    /// Too many requests from one address; the time to wait is in `Retry-After`.
    RateLimited,
    /// Too much work at once; try again a little later.
    Overloaded,
    /// The stream cursor reaches further back than events are kept; fetch anew.
    CursorExpired,
    /// Our fault; the trace id finds it in the log.
    Internal,
}

impl ErrorCode {
    /// The text that clients see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::OperationResolutionFailure => "OPERATION_RESOLUTION_FAILURE",
            Self::QueryTooExpensive => "QUERY_TOO_EXPENSIVE",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::DocumentNotTrusted => "DOCUMENT_NOT_TRUSTED",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::CsrfRefused => "CSRF_REFUSED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::RateLimited => "RATE_LIMITED",
            Self::Overloaded => "OVERLOADED",
            Self::CursorExpired => "CURSOR_EXPIRED",
            Self::Internal => "INTERNAL",
        }
    }
}

/// Why a mutation did not do what was asked; stable, to be switched on by clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserErrorCode {
    /// The value is not acceptable; the message says why.
    InvalidInput,
    /// The value is missing.
    Required,
    /// The text is longer than allowed.
    TooLong,
    /// The value is too small, too large, too early or too late.
    OutOfRange,
    /// What the id names does not exist, or is not visible to you.
    NotFound,
    /// You may not do this.
    Forbidden,
    /// Account and password do not match, or the token is no longer good.
    InvalidCredentials,
    /// This takes a proof of who you are that is at most ten minutes old: `reauthenticate`, or sign in again.
    ReauthenticationRequired,
    /// The account is suspended; the message says until when, and why.
    AccountSuspended,
    /// Another account has this username.
    UsernameTaken,
    /// Another account has this e-mail address; told only after its code was right.
    EmailTaken,
    /// Another account has this phone number; told only after its code was right.
    PhoneTaken,
    /// The password is too short, too long or too common.
    WeakPassword,
    /// An image captcha is needed, or its answer is not right; each can be tried once.
    CaptchaInvalid,
    /// The code or link is not right, or was used up.
    CodeInvalid,
    /// The code or link was right, but its time is over.
    CodeExpired,
    /// The item is not, or no longer, to be had, or can't be changed as it stands.
    ItemNotAvailable,
    /// The viewer's own item can't be traded for.
    OwnItem,
    /// The task is not, or no longer, open.
    TaskNotOpen,
    /// The viewer's own task can't be accepted.
    OwnTask,
    /// The balance is too low; `balance` and `required` say by how much.
    InsufficientBalance,
    /// Nothing of it is left; `available` says how many there are.
    OutOfStock,
    /// There is no address to send it to: give one, or have one in your profile.
    AddressRequired,
    /// It can't go from the one state to the other; `allowed` says where it can.
    IllegalTransition,
    /// You can't do this to yourself.
    SelfTarget,
    /// The two of you are friends already.
    AlreadyFriends,
    /// The two of you are no friends.
    NotFriends,
    /// Your request waits already.
    RequestPending,
    /// It is there already.
    AlreadyExists,
    /// The group takes no requests to join.
    GroupClosed,
    /// The group has as many members as it can have.
    GroupFull,
    /// The owner can't leave: transfer the group or merchant, or dissolve the group.
    OwnerMustTransfer,
    /// There is no such activation code, or none that can still be used.
    ActivationCodeInvalid,
    /// A merchant was made with the activation code already.
    ActivationCodeUsed,
    /// You are muted in this group, or all are; the message says until when.
    MemberMuted,
    /// Members of this group don't send each other requests to become friends.
    MemberPrivacy,
    /// You block this user: unblock them first.
    Blocked,
    /// You are not, or no longer, a member of the conversation.
    NotMember,
    /// The message is too old to be edited.
    EditWindowPassed,
    /// The message is too old to be taken back.
    RevokeWindowPassed,
    /// The message is over 8,000 characters, or 64,000 bytes.
    MessageTooLarge,
    /// The file is too large, or the picture has too many pixels; the message says how much is allowed.
    FileTooLarge,
    /// Files of this type are not taken, or not here.
    FileTypeNotAllowed,
    /// You have, or the request would make, more files than allowed; the message says which.
    TooManyFiles,
    /// Something else stands in the way; the message says what.
    Conflict,
    /// The same key was used before with another input.
    IdempotencyMismatch,
    /// Tried too often; `retryAfterSeconds` says how long to wait.
    RateLimited,
}

/// A business failure: its code, a sentence for people, and the path of the argument at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserError {
    /// Stable code.
    pub code: UserErrorCode,
    /// One sentence in English, to show or to replace by a translation of the code.
    pub message: String,
    /// Path of the argument at fault, such as `["input", "username"]`; empty when none is.
    pub field: Vec<String>,
    /// What else there is to tell, by code.
    pub detail: Option<Detail>,
}

/// What a business failure tells beyond its code and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Seconds until it may be tried again, for [`UserErrorCode::RateLimited`].
    RetryAfter(u32),
    /// The states as the API names them, for [`UserErrorCode::IllegalTransition`].
    Transition {
        /// As it is.
        from: &'static str,
        /// As it was to be.
        to: &'static str,
        /// What it can become.
        allowed: Vec<&'static str>,
    },
    /// What there is and what it takes, for [`UserErrorCode::InsufficientBalance`].
    Balance {
        /// Spendable now.
        balance: Money,
        /// What it takes.
        required: Money,
    },
    /// How many there are, for [`UserErrorCode::OutOfStock`].
    Stock(i32),
    /// What it is now, as the API writes it, for [`UserErrorCode::Conflict`].
    Current(String),
}

impl UserError {
    /// A business failure at an argument, named by its dotted path (`"input.username"`; empty for none).
    pub fn new(code: UserErrorCode, message: impl Into<String>, path: &str) -> Self {
        let field = path.split('.').filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect();
        Self { code, message: message.into(), field, detail: None }
    }
}

/// Any failure of Plaza's own code.
#[derive(Clone, Debug)]
pub enum AppError {
    /// Goes into the payload's `userErrors`.
    User(Vec<UserError>),
    /// Goes into `errors`, message and all.
    Request(ErrorCode, String),
    /// Goes into `errors` as "Internal error." with a trace id; the cause goes into the log.
    Internal(Arc<dyn std::error::Error + Send + Sync>),
}

/// The result of Plaza's own functions.
pub type AppResult<T> = Result<T, AppError>;

impl AppError {
    /// An internal failure, described for the log alone.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(cause.into()))
    }

    /// A cursor that no page of the list gave.
    #[must_use]
    pub fn foreign_cursor() -> Self {
        Self::bad_input("A cursor is not one of this list's.")
    }

    /// A failure of a query's or subscription's argument.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::Request(ErrorCode::BadUserInput, message.into())
    }

    /// A token is needed, and none was sent.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::Request(ErrorCode::Unauthenticated, "Sign in first: send Authorization: Bearer <access token>.".into())
    }

    /// Signed in, but not allowed.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::Request(ErrorCode::Forbidden, "You may not do this.".into())
    }

    /// Too much at once.
    #[must_use]
    pub fn overloaded() -> Self {
        Self::Request(ErrorCode::Overloaded, "Plaza is overloaded; try again in a moment.".into())
    }

    /// Asked too often.
    #[must_use]
    pub fn rate_limited(seconds: u64) -> Self {
        Self::Request(ErrorCode::RateLimited, format!("Too many requests: ask again in {seconds} s."))
    }

    /// What a mutation would say in its payload, as a query says it.
    #[must_use]
    pub fn into_request(self) -> Self {
        match self {
            Self::User(errors) => {
                let first = errors.into_iter().next();
                let limited = first.as_ref().is_some_and(|error| error.code == UserErrorCode::RateLimited);
                let code = if limited { ErrorCode::RateLimited } else { ErrorCode::BadUserInput };
                Self::Request(code, first.map(|error| error.message).unwrap_or_default())
            }
            other => other,
        }
    }

    /// Whether a row that was found holds what this binary can't read, because a newer instance wrote it.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        let Self::Internal(cause) = self else { return false };
        matches!(cause.downcast_ref(), Some(diesel::result::Error::DeserializationError(_)))
    }

    /// One line for the log.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::User(errors) => format!("{errors:?}"),
            Self::Request(code, message) => format!("{}: {message}", code.as_str()),
            Self::Internal(cause) => {
                let mut text = cause.to_string();
                let mut source = cause.source();
                while let Some(inner) = source {
                    text.push_str(": ");
                    text.push_str(&inner.to_string());
                    source = inner.source();
                }
                text
            }
        }
    }
}

impl From<UserError> for AppError {
    fn from(error: UserError) -> Self {
        Self::User(vec![error])
    }
}

impl From<diesel::result::Error> for AppError {
    fn from(error: diesel::result::Error) -> Self {
        Self::internal(error)
    }
}
