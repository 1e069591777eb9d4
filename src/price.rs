//! Prices: what anything may cost.

use crate::error::{UserError, UserErrorCode};
use crate::money::Money;
use crate::validation::DomainError;

/// The most that anything costs.
pub const HIGHEST_PRICE: Money = Money::from_fen(9_999_999_999);

/// What is wrong with a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Less than that, or more than anybody pays.
    #[error("A price is {0} to {HIGHEST_PRICE}.")]
    OutOfRange(Money),
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Null,
}

impl DomainError for PriceError {
    fn required() -> Self {
        Self::Null
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::OutOfRange(_) => UserErrorCode::OutOfRange,
            Self::Null => UserErrorCode::Required,
        };
        UserError::new(code, self.to_string(), path)
    }
}

/// Whether something costs at least so much, and not more than anybody pays.
///
/// # Errors
/// [`PriceError::OutOfRange`].
pub fn check_price(price: Money, least: Money) -> Result<(), PriceError> {
    if (least..=HIGHEST_PRICE).contains(&price) { Ok(()) } else { Err(PriceError::OutOfRange(least)) }
}
