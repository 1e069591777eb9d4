//! Scalars, and ids as arguments.

use async_graphql::indexmap::IndexMap;
use async_graphql::{
    ID, InputType, InputValueError, InputValueResult, MaybeUndefined, Name, Pos, Scalar, ScalarType, Value,
};
use chrono::{Datelike, NaiveDate, NaiveDateTime, SecondsFormat, Timelike, Utc};

use crate::clock::is_storable;
use crate::contact;
use crate::error::{AppError, UserError, UserErrorCode};
use crate::ids::IdError;
use crate::money::Money;
use crate::validation::Patch;

/// Nanoseconds of a second; a leap second has twice as many.
const SECOND_NANOS: u32 = 1_000_000_000;

/// Nanoseconds of a millisecond.
const NANOS_PER_MILLI: u32 = 1_000_000;

/// An instant, as the API speaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// RFC 3339 instant of the years 0 to 9999, always sent in UTC with milliseconds, such as `2026-01-31T08:00:00.000Z`. A leap
/// second is taken for the next second.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let at = chrono::DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).ok();
        // A leap second is the next second, as PostgreSQL reads it. What is sent back has to be such an instant again.
        let at = at.and_then(|at| {
            let (seconds, nanos) = (at.timestamp(), at.timestamp_subsec_nanos());
            chrono::DateTime::from_timestamp(seconds + i64::from(nanos / SECOND_NANOS), nanos % SECOND_NANOS)
        });
        let at = at.filter(|at| is_storable(*at)).map(Self);
        at.ok_or_else(|| InputValueError::custom("an RFC 3339 instant such as 2026-01-31T08:00:00Z is needed"))
    }

    fn to_value(&self) -> Value {
        let mut text = Vec::with_capacity("2026-01-31T08:00:00.000Z".len());
        self.write(&mut text);
        Value::String(String::from_utf8(text).unwrap_or_default())
    }
}

/// `2026-01-31T08:00:00.000Z`. Answers have many instants, and chrono's own way takes ten times as long.
fn write_instant(out: &mut Vec<u8>, at: NaiveDateTime) {
    let Ok(year @ 0..=9999) = u32::try_from(at.year()) else {
        return out.extend_from_slice(at.and_utc().to_rfc3339_opts(SecondsFormat::Millis, true).as_bytes());
    };
    // A leap second has more than 999 of them.
    let millis = (at.nanosecond() / NANOS_PER_MILLI).min(999);
    push_pair(out, year / 100);
    push_pair(out, year % 100);
    for (mark, number) in
        [(b'-', at.month()), (b'-', at.day()), (b'T', at.hour()), (b':', at.minute()), (b':', at.second())]
    {
        out.push(mark);
        push_pair(out, number);
    }
    out.push(b'.');
    push_digit(out, millis / 100);
    push_pair(out, millis % 100);
    out.push(b'Z');
}

/// Two digits of a number below 100.
fn push_pair(out: &mut Vec<u8>, number: u32) {
    push_digit(out, number / 10);
    push_digit(out, number % 10);
}

fn push_digit(out: &mut Vec<u8>, digit: u32) {
    out.push(b'0' + u8::try_from(digit).unwrap_or_default());
}

impl DateTime {
    /// Writes it as clients read it, without quotes.
    pub fn write(self, out: &mut Vec<u8>) {
        write_instant(out, self.0.naive_utc());
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(at: chrono::DateTime<Utc>) -> Self {
        Self(at)
    }
}

/// A day, as the API speaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub NaiveDate);

/// Calendar date, `YYYY-MM-DD`.
#[Scalar(name = "Date", specified_by_url = "https://scalars.graphql.org/andimarek/local-date.html")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        // chrono takes 2026-1-2 as well.
        let day = text.parse::<NaiveDate>().ok().filter(|day| day.to_string() == *text);
        day.map(Self).ok_or_else(|| InputValueError::custom("a date such as 2026-01-31 is needed"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An e-mail address, as the API speaks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(pub String);

/// E-mail address as HTML forms take it, if mail can be sent to it: no dot at an end of its local part, nor two in a row;
/// lower-cased.
#[Scalar(
    name = "EmailAddress",
    specified_by_url = "https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address"
)]
impl ScalarType for EmailAddress {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let email = contact::parse_email(text.trim());
        email.map(Self).ok_or_else(|| InputValueError::custom("an e-mail address such as ada@example.com is needed"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A phone number, as the API speaks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumber(pub String);

/// E.164 number (`+8615712345678`) that its country has; spaces, hyphens and brackets are left out, as is a national prefix
/// (the zero of `+44 (0)20`). Bare 11-digit mainland China mobiles are accepted and get their `+86`.
#[Scalar(name = "PhoneNumber")]
impl ScalarType for PhoneNumber {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let phone = contact::parse_phone(text.trim());
        phone.map(Self).ok_or_else(|| InputValueError::custom("a phone number such as +8615712345678 is needed"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
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

/// An address, as the API speaks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(pub String);

/// Absolute `http` or `https` URL.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let url = text.parse::<reqwest::Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        url.map(|url| Self(url.into())).ok_or_else(|| InputValueError::custom("an http or https URL is needed"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// An object of any shape, as the API speaks it.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub IndexMap<Name, Value>);

/// Any JSON object.
#[Scalar(name = "JSON")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

/// Parses a typed id argument of a query.
///
/// # Errors
/// Bad input for a malformed id or another type.
pub fn query_id<T>(parse: impl Fn(&str) -> Result<T, IdError>, id: &ID, name: &str) -> Result<T, AppError> {
    parse(id).map_err(|error| match error {
        IdError::Malformed => AppError::bad_input(format!("`{name}` is not an id of Plaza's.")),
        IdError::OtherType => AppError::bad_input(format!("`{name}` is the id of something else.")),
    })
}

/// Parses a typed id argument of a mutation, at a dotted path.
///
/// # Errors
/// The user error `NOT_FOUND`.
pub fn mutation_id<T>(parse: impl Fn(&str) -> Result<T, IdError>, id: &ID, path: &str) -> Result<T, AppError> {
    parse(id).map_err(|_| UserError::new(UserErrorCode::NotFound, "Nothing of this kind has this id.", path).into())
}

/// What a field of an input says: nothing keeps, null clears, a value sets.
pub fn patch<T, U: Into<T>>(field: MaybeUndefined<U>) -> Patch<T> {
    match field {
        MaybeUndefined::Undefined => Patch::Keep,
        MaybeUndefined::Null => Patch::Clear,
        MaybeUndefined::Value(value) => Patch::Set(value.into()),
    }
}

/// Checks a value of a custom scalar before execution; unknown scalars accept everything.
///
/// # Errors
/// The expected form.
pub fn check(scalar: &str, value: &Value) -> Result<(), String> {
    fn accepts<T: ScalarType + InputType>(value: &Value) -> Result<(), String> {
        <T as ScalarType>::parse(value.clone())
            .map(drop)
            .map_err(|error| error.into_server_error(Pos::default()).message)
    }
    match scalar {
        "DateTime" => accepts::<DateTime>(value),
        "Date" => accepts::<Date>(value),
        "EmailAddress" => accepts::<EmailAddress>(value),
        "PhoneNumber" => accepts::<PhoneNumber>(value),
        "Decimal" => accepts::<Decimal>(value),
        "URL" => accepts::<Url>(value),
        "JSON" => accepts::<Json>(value),
        "Upload" => Err("a file can only be given by a variable".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_chrono_writes_them() {
        // Of every month, hour and length, from the year 0 to the year 9999.
        let seconds = (-62_167_219_200_i64..253_402_300_799).step_by(987_654_321);
        for (n, second) in seconds.enumerate() {
            let nanos = u32::try_from(n).unwrap_or_default().wrapping_mul(7_654_321) % SECOND_NANOS;
            let at = chrono::DateTime::from_timestamp(second, nanos).unwrap_or_default();
            assert_eq!(
                ScalarType::to_value(&DateTime(at)),
                Value::String(at.to_rfc3339_opts(SecondsFormat::Millis, true))
            );
        }
    }
}
