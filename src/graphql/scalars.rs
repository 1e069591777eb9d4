//! Scalars, and ids as arguments.

use async_graphql::{ID, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{SecondsFormat, Utc};

use crate::error::{AppError, UserError, UserErrorCode};
use crate::ids::IdError;
use crate::money::Money;

/// An instant, as the API speaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// RFC 3339 instant, always sent in UTC with milliseconds, such as `2026-01-31T08:00:00.000Z`.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        match chrono::DateTime::parse_from_rfc3339(text) {
            Ok(at) => Ok(Self(at.to_utc())),
            Err(_) => Err(InputValueError::custom("an RFC 3339 instant such as 2026-01-31T08:00:00Z is needed")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(at: chrono::DateTime<Utc>) -> Self {
        Self(at)
    }
}

/// An amount of money, as the API speaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub Money);

/// Exact base-10 amount, sent as a string with two fraction digits (`"299.90"`); accepts a string or an integer.
#[Scalar(name = "Decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        let amount = match &value {
            Value::String(text) => Money::parse(text),
            Value::Number(number) => number.as_i64().and_then(Money::from_yuan),
            _ => return Err(InputValueError::expected_type(value)),
        };
        amount.map(Self).ok_or_else(|| {
            InputValueError::custom("an amount with at most two fraction digits is needed, as a string or an integer")
        })
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A typed id that a query was given.
///
/// # Errors
/// Bad input when it is no id, or the id of something else.
pub fn query_id<T>(parse: impl Fn(&str) -> Result<T, IdError>, id: &ID, name: &str) -> Result<T, AppError> {
    parse(id).map_err(|error| match error {
        IdError::Malformed => AppError::bad_input(format!("`{name}` is not an id of Plaza's.")),
        IdError::OtherType => AppError::bad_input(format!("`{name}` is the id of something else.")),
    })
}

/// A typed id that a mutation was given, at an argument's dotted path.
///
/// # Errors
/// A user error with the code `NOT_FOUND`: nothing has such an id.
pub fn mutation_id<T>(parse: impl Fn(&str) -> Result<T, IdError>, id: &ID, path: &str) -> Result<T, AppError> {
    parse(id).map_err(|_| UserError::new(UserErrorCode::NotFound, "Nothing of this kind has this id.", path).into())
}
