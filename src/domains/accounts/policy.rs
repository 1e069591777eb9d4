//! What is acceptable, as pure functions.

use chrono::{DateTime, TimeDelta, Utc};
use unicode_normalization::UnicodeNormalization;

use super::model::{AccountError, PresentedToken};
use crate::auth::Requester;
use crate::config::RateLimits;
use crate::rates::{self, Bucket};
use crate::text::{is_blank, is_filler, turns_direction};

/// How long a session lives without a refresh.
pub const SESSION_LIFETIME: TimeDelta = TimeDelta::days(30);

/// How long an exchanged refresh token may come back for the same successor.
const REFRESH_GRACE: TimeDelta = TimeDelta::seconds(30);

/// A username as it is compared: case, full-width forms, ligatures and the like make no difference.
#[must_use]
pub fn username_key(username: &str) -> String {
    username.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

/// Whether anybody may be called this. Without `@`, `+` and bare digits it can't be taken for an e-mail, a phone or an
/// account number; `u<number>` is what accounts without a chosen name are called.
///
/// # Errors
/// [`AccountError::UsernameUnusable`].
pub fn check_username(username: &str) -> Result<(), AccountError> {
    let length = username.chars().count();
    let allowed = username.chars().all(|c| (c.is_alphanumeric() && !is_filler(c)) || matches!(c, '.' | '-' | '_'));
    let all_digits = username.chars().all(|c| c.is_numeric() || matches!(c, '.' | '-' | '_'));
    let reserved = username_key(username)
        .strip_prefix('u')
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(char::is_numeric));
    if (2..=32).contains(&length) && allowed && !all_digits && !reserved {
        Ok(())
    } else {
        Err(AccountError::UsernameUnusable)
    }
}

/// Whether this can be shown as a name.
///
/// # Errors
/// [`AccountError::NicknameUnusable`].
pub fn check_nickname(nickname: &str) -> Result<(), AccountError> {
    let shown = nickname.trim();
    let unusable = shown.chars().any(|c| c.is_control() || turns_direction(c));
    if shown.chars().all(is_blank) || shown.chars().count() > 32 || unusable {
        return Err(AccountError::NicknameUnusable);
    }
    Ok(())
}

/// Whether this can be a password: length alone, no rules of composition.
///
/// # Errors
/// [`AccountError::PasswordTooShort`] or [`AccountError::PasswordTooLong`].
pub fn check_password(password: &str) -> Result<(), AccountError> {
    match password.chars().count() {
        0..8 => Err(AccountError::PasswordTooShort),
        8..=128 => Ok(()),
        _ => Err(AccountError::PasswordTooLong),
    }
}

/// Whether a device may be called this.
///
/// # Errors
/// [`AccountError::DeviceNameTooLong`] or [`AccountError::DeviceNameUnusable`].
pub fn check_device_name(name: Option<&str>) -> Result<(), AccountError> {
    match name {
        Some(name) if name.chars().count() > 100 => Err(AccountError::DeviceNameTooLong),
        Some(name) if name.chars().any(char::is_control) => Err(AccountError::DeviceNameUnusable),
        _ => Ok(()),
    }
}

/// What a presented refresh token leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Exchange it.
    Rotate,
    /// Give its successor once more, made with this salt.
    Repeat(Vec<u8>),
    /// Somebody presents what was used up: end the session.
    Reuse,
    /// Nothing is left to refresh.
    Gone,
}

/// Decides about a presented refresh token, given whether its successor was used.
#[must_use]
pub fn judge_refresh(token: &PresentedToken, successor_used: bool, now: DateTime<Utc>) -> Refresh {
    if token.revoked_at.is_some() || token.expires_at <= now {
        return Refresh::Gone;
    }
    match (&token.rotated_at, &token.successor_salt) {
        (Some(rotated_at), Some(salt)) if !successor_used && now - rotated_at <= REFRESH_GRACE => {
            Refresh::Repeat(salt.clone())
        }
        (Some(_), _) => Refresh::Reuse,
        (None, _) => Refresh::Rotate,
    }
}

/// What a try to sign in is counted in: for one account from one address; for one account from anywhere; from one
/// address for any account. Unknown accounts are counted alike.
#[must_use]
pub fn login_buckets(rates: &RateLimits, requester: &Requester, username_key: &str) -> Vec<Bucket> {
    let (most, window) = (rates.logins.most, TimeDelta::minutes(15));
    if requester.is_local && !rates.logins.explicit {
        return Vec::new();
    }
    let ip = requester.ip.map(|ip| rates::network(ip).to_string()).unwrap_or_default();
    vec![
        Bucket::new("login by account and address", &format!("{username_key}\n{ip}"), most, window),
        Bucket::new("login by account", username_key, most.saturating_mul(10), window),
        Bucket::new("login by address", &ip, most.saturating_mul(10), window),
    ]
}

/// What a new account is counted in.
#[must_use]
pub fn registration_buckets(rates: &RateLimits, requester: &Requester) -> Vec<Bucket> {
    if requester.is_local && !rates.registrations.explicit {
        return Vec::new();
    }
    let ip = requester.ip.map(|ip| rates::network(ip).to_string()).unwrap_or_default();
    vec![Bucket::new("registration by address", &ip, rates.registrations.most, TimeDelta::hours(1))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_can_t_be_taken_for_something_else() {
        for name in ["ada", "小明", "a.b-c_d", "user1", "2fast"] {
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
            &"x".repeat(33),
        ] {
            assert_eq!(check_username(name), Err(AccountError::UsernameUnusable), "{name}");
        }
    }

    #[test]
    fn look_alikes_are_one_username() {
        for (one, other) in [("ada", "ADA"), ("ada", "ａｄａ"), ("ﬀ", "FF"), ("K", "k"), ("ß", "ẞ")] {
            assert_eq!(username_key(one), username_key(other), "{one} {other}");
        }
        assert_ne!(username_key("ada"), username_key("adä"));
    }

    #[test]
    fn nicknames_can_be_seen() {
        for name in ["Ada 女士", "😀", "\u{1f468}\u{200d}\u{1f469}"] {
            assert_eq!(check_nickname(name), Ok(()), "{name}");
        }
        for name in ["", " ", "\u{200b}", "\u{3164}", "a\u{202e}b", "a\nb", &"x".repeat(33)] {
            assert_eq!(check_nickname(name), Err(AccountError::NicknameUnusable), "{name:?}");
        }
    }

    #[test]
    fn passwords_are_judged_by_length_in_characters() {
        assert_eq!(check_password("1234567"), Err(AccountError::PasswordTooShort));
        assert_eq!(check_password("一二三四五六七八"), Ok(()));
        assert_eq!(check_password(&"x".repeat(128)), Ok(()));
        assert_eq!(check_password(&"x".repeat(129)), Err(AccountError::PasswordTooLong));
    }
}
