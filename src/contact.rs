//! E-mail addresses and phone numbers, in the one spelling in which they are compared and stored.
//!
//! What is taken can be delivered: an address is one that the mailer takes as well, and a number is one of its country's
//! plan, by libphonenumber's data.

use lettre::Address;
use phonenumber::metadata::DATABASE;
use phonenumber::{Metadata, Mode, Type};
use unicode_normalization::UnicodeNormalization;

use crate::text::is_blank;

/// Where a user gets messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Contact {
    /// A lower-cased e-mail address.
    Email(String),
    /// An E.164 number.
    Phone(String),
}

impl Contact {
    /// The address or number; an address has an `@` and a number begins with `+`, so they can't be confused.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(text) | Self::Phone(text) => text,
        }
    }

    /// A contact as it was stored, which was judged before.
    #[must_use]
    pub fn stored(text: &str) -> Self {
        if text.contains('@') { Self::Email(text.to_owned()) } else { Self::Phone(text.to_owned()) }
    }

    /// Parses an e-mail address or a phone number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse_email(text).map(Self::Email).or_else(|| parse_phone(text).map(Self::Phone))
    }
}

/// An e-mail address as browsers take it in a form (the WHATWG's rule), if mail can be sent to it, lower-cased.
#[must_use]
pub fn parse_email(text: &str) -> Option<String> {
    // RFC 5321: 64 characters before the @, 254 in all.
    let (local, domain) = text.rsplit_once('@').filter(|(local, _)| text.len() <= 254 && local.len() <= 64)?;
    let in_local = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let fits = !local.is_empty() && local.chars().all(in_local) && domain.split('.').all(is_label);
    (fits && text.parse::<Address>().is_ok()).then(|| text.to_ascii_lowercase())
}

/// Bytes of a phone number as it is typed, at most.
const LONGEST_NUMBER: usize = 100;

/// Reads the numbering plans of all countries, which takes a tenth of a second and 22 MiB, where nothing else waits for it;
/// without this, the first number waits.
pub async fn ready() {
    drop(tokio::task::spawn_blocking(|| parse_phone("+8615712345678")).await);
}

/// What people write between digits.
fn parts_digits(c: char) -> bool {
    is_blank(c) || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '(' | ')' | '.' | '/')
}

/// An E.164 number that its country's plan has, without separators and without a national prefix, such as the
/// zero of `+44 (0)20`. The bare eleven digits of a mainland China mobile get their `+86`.
#[must_use]
pub fn parse_phone(text: &str) -> Option<String> {
    if text.len() > LONGEST_NUMBER {
        return None;
    }
    let typed: String = text.nfkc().filter(|c| !parts_digits(*c)).collect();
    let digits = typed.strip_prefix('+').unwrap_or(&typed);
    let is_mobile = digits.len() == 11 && digits.starts_with('1');
    // The library reads letters as digits, and extensions.
    if !digits.bytes().all(|c| c.is_ascii_digit()) || digits.is_empty() {
        return None;
    }
    let number = match typed.strip_prefix('+') {
        Some(digits) => format!("+{digits}"),
        None if is_mobile => format!("+86{digits}"),
        None => return None,
    };
    if is_planned(&number) {
        return Some(number);
    }
    // Perhaps with a national prefix. The library takes away what looks like one from good numbers as well (+7 831…).
    let number = phonenumber::parse(None, number).ok()?;
    let number = phonenumber::is_valid(&number).then(|| number.format().mode(Mode::E164).to_string())?;
    is_planned(&number).then_some(number)
}

/// The kinds of numbers that a person can have, in the countries' plans.
const KINDS: [Type; 10] = [
    Type::FixedLine,
    Type::Mobile,
    Type::TollFree,
    Type::PremiumRate,
    Type::SharedCost,
    Type::PersonalNumber,
    Type::Voip,
    Type::Pager,
    Type::Uan,
    Type::Voicemail,
];

/// Whether a country's plan has a national number.
fn has_number(plan: &Metadata, national: &str) -> bool {
    let kinds = plan.descriptors();
    let is_of = |kind: &Type| kinds.get(*kind).is_some_and(|kind| kind.is_match(national));
    kinds.general().is_match(national) && KINDS.iter().any(is_of)
}

/// Whether a country's plan has an E.164 number as it is.
fn is_planned(number: &str) -> bool {
    let digits = number.trim_start_matches('+');
    // No country's code is the beginning of another's.
    let of_country = |length: usize| {
        let (code, national) = digits.split_at_checked(length)?;
        let plans = DATABASE.by_code(&code.parse::<u16>().ok()?)?;
        Some(plans.into_iter().any(|plan| has_number(plan, national)))
    };
    digits.len() <= 15 && (1..=3).any(|length| of_country(length) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_spelling() {
        assert_eq!(parse_email("Ada.L+plaza@Example.COM").as_deref(), Some("ada.l+plaza@example.com"));
        assert_eq!(parse_email("a@localhost").as_deref(), Some("a@localhost"));
        let long = format!("{}@example.com", "x".repeat(65));
        for text in [
            "",
            "@",
            "a@",
            "@b.c",
            "a b@c.d",
            "a@b..c",
            "a@-b.c",
            "a@b.c\n",
            "a@b@c.d",
            "小明@例子.中国",
            &long,
            "a..b@c.d",
            ".a@c.d",
            "a.@c.d",
        ] {
            assert_eq!(parse_email(text), None, "{text:?}");
        }
    }

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(parse_phone("15712345678").as_deref(), Some("+8615712345678"));
        assert_eq!(parse_phone("+8615712345678").as_deref(), Some("+8615712345678"));
        assert_eq!(parse_phone("+12025550123").as_deref(), Some("+12025550123"));
        for (text, number) in [
            ("+86 157 1234 5678", "+8615712345678"),
            ("+86 015712345678", "+8615712345678"),
            ("157-1234-5678", "+8615712345678"),
            ("＋８６１５７１２３４５６７８", "+8615712345678"),
            ("\u{202a}+8615712345678\u{202c}", "+8615712345678"),
            ("+44 02079460958", "+442079460958"),
            ("+44 (0)20 7946 0958", "+442079460958"),
            ("+1 (202) 555-0123", "+12025550123"),
            ("+39 06 698 12345", "+390669812345"),
            ("+7 800 555 35 35", "+78005553535"),
            ("+7 (831) 233-45-67", "+78312334567"),
            ("+852 5123 4567", "+85251234567"),
            ("+81 90-1234-5678", "+819012345678"),
        ] {
            assert_eq!(parse_phone(text).as_deref(), Some(number), "{text:?}");
            assert_eq!(parse_phone(number).as_deref(), Some(number));
        }
        for text in [
            "",
            "+",
            "12345678901",
            "1571234567",
            "157123456789",
            "+0123456789",
            "+1234567890123456",
            "+12001234567",
            "+86157123456789",
            "+999123456789",
            "+1 202 555 0123 ext 5",
            "+1800FLOWERS",
            "+86+15712345678",
        ] {
            assert_eq!(parse_phone(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_contact_is_one_or_the_other() {
        assert_eq!(Contact::parse("13812345678"), Some(Contact::Phone("+8613812345678".into())));
        assert_eq!(Contact::parse("A@b.c"), Some(Contact::Email("a@b.c".into())));
        assert_eq!(Contact::parse("ada"), None);
    }
}
