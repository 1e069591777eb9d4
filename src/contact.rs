//! E-mail addresses and phone numbers, in the one spelling in which they are compared and stored.

/// How somebody can be reached.
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

    /// Reads whichever of the two the text is.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse_email(text).map(Self::Email).or_else(|| parse_phone(text).map(Self::Phone))
    }
}

/// An e-mail address as browsers take it in a form (the WHATWG's rule), lower-cased.
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
    fits.then(|| text.to_ascii_lowercase())
}

/// An E.164 number; the bare eleven digits of a mainland China mobile get their `+86`.
#[must_use]
pub fn parse_phone(text: &str) -> Option<String> {
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let is_mobile = |text: &str| text.len() == 11 && digits(text) && matches!(text.as_bytes(), [b'1', b'3'..=b'9', ..]);
    match text.strip_prefix('+') {
        Some(rest) if (7..=15).contains(&rest.len()) && digits(rest) && !rest.starts_with('0') => Some(text.to_owned()),
        None if is_mobile(text) => Some(format!("+86{text}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_spelling() {
        assert_eq!(parse_email("Ada.L+plaza@Example.COM").as_deref(), Some("ada.l+plaza@example.com"));
        assert_eq!(parse_email("a@localhost").as_deref(), Some("a@localhost"));
        let long = format!("{}@example.com", "x".repeat(65));
        for text in
            ["", "@", "a@", "@b.c", "a b@c.d", "a@b..c", "a@-b.c", "a@b.c\n", "a@b@c.d", "小明@例子.中国", &long]
        {
            assert_eq!(parse_email(text), None, "{text:?}");
        }
    }

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(parse_phone("15712345678").as_deref(), Some("+8615712345678"));
        assert_eq!(parse_phone("+8615712345678").as_deref(), Some("+8615712345678"));
        assert_eq!(parse_phone("+12025550123").as_deref(), Some("+12025550123"));
        for text in [
            "",
            "+",
            "12345678901",
            "1571234567",
            "157123456789",
            "+0123456789",
            "+86 157 1234 5678",
            "+1234567890123456",
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
