//! Money: whole fen, checked arithmetic, never a float.

use std::fmt;

use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::BigInt;
use serde::Serialize;

/// An amount in fen, a hundredth of the unit that people read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow, Serialize)]
#[diesel(sql_type = BigInt)]
#[serde(transparent)]
pub struct Money(i64);

impl ToSql<BigInt, Pg> for Money {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        <i64 as ToSql<BigInt, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<BigInt, Pg> for Money {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        <i64 as FromSql<BigInt, Pg>>::from_sql(value).map(Self)
    }
}

impl Money {
    /// An amount of whole units; none where that overflows.
    #[must_use]
    pub fn from_yuan(yuan: i64) -> Option<Self> {
        yuan.checked_mul(100).map(Self)
    }

    /// An amount in fen.
    #[must_use]
    pub const fn from_fen(fen: i64) -> Self {
        Self(fen)
    }

    /// The amount in fen.
    #[must_use]
    pub fn fen(self) -> i64 {
        self.0
    }

    /// Reads `12`, `12.3`, `12.34` or `-12.34`; nothing else, and nothing that overflows.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || fraction.is_some_and(|fraction| !is_number(fraction) || fraction.len() > 2) {
            return None;
        }
        let fraction = format!("{:0<2}", fraction.unwrap_or_default());
        let fen = whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(fraction.parse().ok()?)?;
        Some(Self(if negative { -fen } else { fen }))
    }

    /// The sum; none where that overflows.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference; none where that overflows.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl Money {
    /// Appends the amount as [`Display`](fmt::Display) shows it, in less time.
    pub fn write(self, out: &mut Vec<u8>) {
        if self.0 < 0 {
            out.push(b'-');
        }
        let fen = self.0.unsigned_abs();
        out.extend_from_slice(itoa::Buffer::new().format(fen / 100).as_bytes());
        // With a digit in front, so that both others are written.
        out.push(b'.');
        out.extend(itoa::Buffer::new().format(100 + fen % 100).bytes().skip(1));
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_go_there_and_back() {
        for (text, shown) in [("299.90", "299.90"), ("0", "0.00"), ("7.5", "7.50"), ("-0.01", "-0.01"), ("007", "7.00")]
        {
            let amount = Money::parse(text).unwrap();
            assert_eq!(amount.to_string(), shown);
            let mut written = Vec::new();
            amount.write(&mut written);
            assert_eq!(written, shown.as_bytes());
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", "-", ".5", "5.", "1.234", "1e3", "NaN", "Infinity", "+1", " 1", "1,5", "١", "--1"] {
            assert_eq!(Money::parse(text), None, "{text}");
        }
        assert_eq!(Money::parse("92233720368547758.08"), None);
        assert_eq!(Money::parse("92233720368547758.07").unwrap().fen(), i64::MAX);
        assert_eq!(Money::from_yuan(i64::MAX), None);
        assert_eq!(Money::from_fen(i64::MAX).checked_add(Money::from_fen(1)), None);
        assert_eq!(Money::from_fen(i64::MIN).checked_sub(Money::from_fen(1)), None);
    }
}
