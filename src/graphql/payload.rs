//! Payloads of mutations: what was done, or why it was not.

use async_graphql::{ID, Interface, SimpleObject};

use super::scalars::Decimal;
use crate::error::{Detail, UserError, UserErrorCode};

/// A business failure that has nothing to tell beyond its code and message.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct GenericError {
    /// Stable code, to be switched on.
    code: UserErrorCode,
    /// One sentence in English; translate by the code.
    message: String,
    /// Path of the argument at fault, such as `["input", "username"]`; null when no argument is.
    field: Option<Vec<String>>,
}

/// It was tried too often, here or on another instance.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct RateLimitedError {
    /// Stable code, to be switched on.
    code: UserErrorCode,
    /// One sentence in English; translate by the code.
    message: String,
    /// Path of the argument at fault; null when no argument is.
    field: Option<Vec<String>>,
    /// Seconds to wait before the next try.
    retry_after_seconds: i32,
}

/// It can't go from the state it is in to the one that was wanted.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct IllegalTransitionError {
    /// Stable code, to be switched on.
    code: UserErrorCode,
    /// One sentence in English; translate by the code.
    message: String,
    /// Path of the argument at fault; null when no argument is.
    field: Option<Vec<String>>,
    /// The state it is in.
    from: String,
    /// The state that was wanted.
    to: String,
    /// The states that you could bring it to instead.
    allowed: Vec<String>,
}

/// The balance is too low.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct InsufficientBalanceError {
    /// Stable code, to be switched on.
    code: UserErrorCode,
    /// One sentence in English; translate by the code.
    message: String,
    /// Path of the argument at fault; null when no argument is.
    field: Option<Vec<String>>,
    /// Spendable now, in yuan.
    balance: Decimal,
    /// What it takes, in yuan.
    required: Decimal,
}

/// Too few are left.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct OutOfStockError {
    /// Stable code, to be switched on.
    code: UserErrorCode,
    /// One sentence in English; translate by the code.
    message: String,
    /// Path of the argument at fault; null when no argument is.
    field: Option<Vec<String>>,
    /// How many there are.
    available: i32,
}

/// Something is not, or no longer, as the input expects it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ConflictError {
    /// Stable code, to be switched on.
    code: UserErrorCode,
    /// One sentence in English; translate by the code.
    message: String,
    /// Path of the argument at fault; null when no argument is.
    field: Option<Vec<String>>,
    /// What it is now, as the API writes it: a price, a balance, a stock, an address.
    current: String,
}

/// A business failure the user can act on; every payload lists them.
#[derive(Clone, Debug, Interface)]
#[graphql(crate = "crate::graphql::eager")]
#[graphql(
    name = "UserError",
    field(name = "code", ty = "&UserErrorCode", desc = "Stable code, to be switched on."),
    field(name = "message", ty = "&String", desc = "One sentence in English; translate by the code."),
    field(
        name = "field",
        ty = "&Option<Vec<String>>",
        desc = "Path of the argument at fault, such as `[\"input\", \"username\"]`; null when no argument is."
    )
)]
pub enum UserErrorObject {
    /// No more than code and message.
    Generic(GenericError),
    /// How long to wait.
    RateLimited(RateLimitedError),
    /// What it can become instead.
    IllegalTransition(IllegalTransitionError),
    /// How much is missing.
    InsufficientBalance(InsufficientBalanceError),
    /// How many there are.
    OutOfStock(OutOfStockError),
    /// What it is now.
    Conflict(ConflictError),
}

impl From<UserError> for UserErrorObject {
    fn from(UserError { code, message, field, detail }: UserError) -> Self {
        let field = (!field.is_empty()).then_some(field);
        match detail {
            None => Self::Generic(GenericError { code, message, field }),
            Some(Detail::RetryAfter(seconds)) => {
                let retry_after_seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
                Self::RateLimited(RateLimitedError { code, message, field, retry_after_seconds })
            }
            Some(Detail::Transition { from, to, allowed }) => {
                let (from, to) = (from.to_owned(), to.to_owned());
                let allowed = allowed.into_iter().map(ToOwned::to_owned).collect();
                Self::IllegalTransition(IllegalTransitionError { code, message, field, from, to, allowed })
            }
            Some(Detail::Balance { balance, required }) => {
                let (balance, required) = (Decimal(balance), Decimal(required));
                Self::InsufficientBalance(InsufficientBalanceError { code, message, field, balance, required })
            }
            Some(Detail::Stock(available)) => Self::OutOfStock(OutOfStockError { code, message, field, available }),
            Some(Detail::Current(current)) => Self::Conflict(ConflictError { code, message, field, current }),
        }
    }
}

/// Payload of a mutation.
pub trait Payload: Sized {
    /// The payload of a failed mutation.
    fn with_errors(errors: Vec<UserErrorObject>) -> Self;
}

/// The answer of a mutation that has nothing to give back.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct OkPayload {
    /// Whether it was done.
    ok: bool,
    /// Why it was not.
    user_errors: Vec<UserErrorObject>,
}

impl OkPayload {
    /// Success.
    #[must_use]
    pub fn done() -> Self {
        Self { ok: true, user_errors: Vec::new() }
    }
}

impl Payload for OkPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { ok: false, user_errors }
    }
}

/// The answer of a mutation after which something is gone.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct DeletePayload {
    /// The global id of what is gone; null when it was refused.
    deleted_id: Option<ID>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl DeletePayload {
    /// Success.
    #[must_use]
    pub fn deleted(id: ID) -> Self {
        Self { deleted_id: Some(id), user_errors: Vec::new() }
    }
}

impl Payload for DeletePayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { deleted_id: None, user_errors }
    }
}
