//! What accounts may be called: usernames, nicknames, and what is typed to sign in.
//!
//! Names are stored in the composed form (NFC). A username is of letters with their marks and digits (UAX 31, without the joiners of Persian and others); usernames
//! and nicknames alike have no letters of several scripts that look alike in one word, and nothing that can't be seen.

use unicode_normalization::UnicodeNormalization;

use crate::contact::Contact;
use crate::domains::accounts::model::AccountError;
use crate::text;

/// Characters of a username or nickname, at most.
const LONGEST_NAME: usize = 32;

/// A username as it is compared: case, full-width forms, ligatures and the like make no difference.
#[must_use]
pub fn username_key(username: &str) -> String {
    // A sigma that ends a word is another small letter, and no other capital.
    username.nfkc().collect::<String>().to_lowercase().replace('ς', "σ").nfkc().collect()
}

/// A name as it is stored.
#[must_use]
pub fn stored_name(name: &str) -> String {
    text::nfc(name.trim()).into_owned()
}

/// What an account is signed in to by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountName {
    /// A username, as it is compared.
    Username(String),
    /// An e-mail address or a phone number.
    Contact(Contact),
}

impl AccountName {
    /// Reads what was typed: usernames have no `@` and no `+`, and are not digits alone.
    ///
    /// # Errors
    /// [`AccountError::NoEmail`] or [`AccountError::NoPhone`] for a misspelt contact, [`AccountError::NotOneLine`] for
    /// control characters.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        let text = text.trim();
        if text.chars().any(text::ends_line) {
            return Err(AccountError::NotOneLine);
        }
        match Contact::parse(text) {
            Some(contact) => Ok(Self::Contact(contact)),
            None if text.contains('@') => Err(AccountError::NoEmail),
            None if is_dialled(text) => Err(AccountError::NoPhone),
            None => Ok(Self::Username(username_key(text))),
        }
    }

    /// Under which its failed tries are counted.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Username(key) => key,
            Self::Contact(contact) => contact.as_str(),
        }
    }
}

/// Whether a text is meant as a phone number: digits, with a plus sign or with characters that separate them.
fn is_dialled(text: &str) -> bool {
    let digits = text.chars().filter(|c| text::is_digit(*c)).count();
    digits > 0 && text.chars().all(|c| text::is_digit(c) || c.is_whitespace() || "+＋-‐‑–−.()（）/".contains(c))
}

/// Whether an account may be called this. Without `@`, `+` and bare digits it can't be taken for an e-mail, a phone or an
/// account number; `u<number>` is what accounts without a chosen name are called.
///
/// # Errors
/// [`AccountError::UsernameUnusable`].
pub fn check_username(username: &str) -> Result<(), AccountError> {
    let name = text::nfc(username);
    let fits = text::characters(&name) >= 2 && text::check_length(&name, LONGEST_NAME).is_ok();
    let all_digits = name.chars().all(|c| c.is_numeric() || text::is_mark(c) || is_punctuation(c));
    let reserved = username_key(&name)
        .strip_prefix('u')
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(char::is_numeric));
    if fits && is_identifier(&name) && !all_digits && !reserved && !text::mixes_scripts(&name) {
        Ok(())
    } else {
        Err(AccountError::UsernameUnusable)
    }
}

fn is_punctuation(c: char) -> bool {
    matches!(c, '.' | '-' | '_')
}

/// Whether a name is of letters, digits and [`is_punctuation`], with marks on letters alone.
fn is_identifier(name: &str) -> bool {
    let mut on_letter = false;
    let fits = |c: char| {
        let is_mark = text::is_mark(c);
        let fits = text::is_letter(c) || text::is_digit(c) || is_punctuation(c) || (is_mark && on_letter);
        on_letter = text::is_letter(c) || (is_mark && on_letter);
        fits
    };
    name.chars().all(fits) && !text::piles_marks(name)
}

/// Whether this can be shown as a name.
///
/// # Errors
/// [`AccountError::NicknameUnusable`].
pub fn check_nickname(nickname: &str) -> Result<(), AccountError> {
    let shown = stored_name(nickname);
    let fits = text::check_length(&shown, LONGEST_NAME).is_ok();
    if fits && text::is_name(&shown) { Ok(()) } else { Err(AccountError::NicknameUnusable) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_can_t_be_taken_for_something_else() {
        for name in ["ada", "小明", "a.b-c_d", "user1", "2fast", "jose\u{301}", "हिन्दी", "สวัสดี", "தமிழ்", "മലയാളം", "Ада"]
        {
            assert_eq!(check_username(name), Ok(()), "{name}");
        }
        for name in [
            "",
            "a",
            "10000000",
            "1.000-000",
            "..",
            "a@b.c",
            "+8613",
            "u10000001",
            "\u{3164}\u{3164}",
            "U42",
            "two words",
            "tab\t",
            "e\u{301}",
            "\u{301}ada",
            "ada.\u{301}",
            "1\u{301}2\u{301}",
            "ad\u{200d}a",
            "ada\u{e0061}",
            "\u{430}da",
            "𝐚𝐝\u{430}",
            &"x".repeat(33),
        ] {
            assert_eq!(check_username(name), Err(AccountError::UsernameUnusable), "{name}");
        }
    }

    #[test]
    fn look_alikes_are_one_username() {
        for (one, other) in
            [("ada", "ADA"), ("ada", "ａｄａ"), ("ﬀ", "FF"), ("K", "k"), ("ß", "ẞ"), ("e\u{301}a", "éa"), ("ΑΣ", "ασ")]
        {
            assert_eq!(username_key(one), username_key(other), "{one} {other}");
        }
        assert_ne!(username_key("ada"), username_key("adä"));
    }

    #[test]
    fn an_account_is_named_by_username_or_contact() {
        let contact = |text: &str| Ok(AccountName::Contact(Contact::parse(text).unwrap()));
        assert_eq!(AccountName::parse(" Ada@Example.com "), contact("ada@example.com"));
        assert_eq!(AccountName::parse("13812345678"), contact("+8613812345678"));
        assert_eq!(AccountName::parse("138-1234-5678"), contact("+8613812345678"));
        assert_eq!(AccountName::parse("ADA"), Ok(AccountName::Username("ada".into())));
        assert_eq!(AccountName::parse("ada-1").unwrap().key(), "ada-1");
        for text in ["12345", "+8615712345", "(0)12"] {
            assert_eq!(AccountName::parse(text), Err(AccountError::NoPhone), "{text}");
        }
        assert_eq!(AccountName::parse("ada@"), Err(AccountError::NoEmail));
        assert_eq!(AccountName::parse("a\0"), Err(AccountError::NotOneLine));
    }

    #[test]
    fn nicknames_can_be_seen() {
        for name in ["Ada 女士", "辻\u{e0100}", "😀", "\u{1f468}\u{200d}\u{1f469}", "Ada Ада", "नमस्ते"]
        {
            assert_eq!(check_nickname(name), Ok(()), "{name}");
        }
        for name in [
            "",
            " ",
            "\u{200b}",
            "\u{3164}",
            "a\u{202e}b",
            "a\nb",
            "a\u{2028}b",
            "Ada\u{e0061}\u{e007f}",
            "Ad\u{430}",
            "Ad\u{200a}\u{430}",
            &"x".repeat(33),
        ] {
            assert_eq!(check_nickname(name), Err(AccountError::NicknameUnusable), "{name:?}");
        }
    }
}
