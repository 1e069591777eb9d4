//! What is acceptable, as pure functions: passwords and tokens here; [`access`], [`codes`], [`names`] and [`profile`]s apart.

pub mod access;
pub mod codes;
pub mod names;
pub mod profile;

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{AccountError, PresentedToken};
use crate::auth::{Requester, password, password_blocklist};
use crate::config::{Rate, RateLimits};
use crate::contact::Contact;
use crate::ids::UserId;
use crate::rate_limit::{self, Bucket};
use crate::text;

pub use names::{AccountName, check_nickname, check_username, stored_name, username_key};

/// How long a session lives without a refresh.
pub const SESSION_LIFETIME: TimeDelta = TimeDelta::days(30);

/// How old a proof of identity may be when its user changes contacts, sets a first password or leaves, or when an administrator
/// does the like to an account.
pub const AUTHENTICATION_AGE: TimeDelta = TimeDelta::minutes(10);

/// How long an exchanged refresh token may come back for the same successor.
const REFRESH_GRACE: TimeDelta = TimeDelta::seconds(30);

/// Whether this can be a password: long enough and none of the most common; no rules of composition. Its
/// length is counted in code points of its normal form, as NIST SP 800-63B has it.
///
/// # Errors
/// [`AccountError::PasswordTooShort`], [`AccountError::PasswordTooLong`] or [`AccountError::PasswordCommon`].
pub fn check_password(password: &str) -> Result<(), AccountError> {
    let password = &password::normal_form(password);
    match password.chars().count() {
        0..8 => Err(AccountError::PasswordTooShort),
        8..=128 if password_blocklist::is_common(password) => Err(AccountError::PasswordCommon),
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
        Some(name) if text::check_length(name, 100).is_err() => Err(AccountError::DeviceNameTooLong),
        Some(name) if name.chars().any(text::ends_line) => Err(AccountError::DeviceNameUnusable),
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
    /// The token was used up already: end the session.
    Reuse,
    /// Nothing is left to refresh.
    Gone,
}

/// Decides about a presented refresh token, given whether its successor was used.
#[must_use]
pub fn check_refresh(token: &PresentedToken, successor_used: bool, now: DateTime<Utc>) -> Refresh {
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

/// Wrong passwords and codes are counted over so long a time.
const TRIES_WINDOW: TimeDelta = TimeDelta::minutes(15);

/// After so many wrong passwords for a name from an address a captcha has to be solved with each try.
pub const TRIES_WITHOUT_CAPTCHA: u32 = 3;

/// Who is counted by address: everybody, but for this machine's own where the limit was left alone.
fn address(requester: &Requester, rate: Rate) -> Option<String> {
    if requester.is_local && !rate.explicit {
        return None;
    }
    Some(requester.ip.map(|ip| rate_limit::network(ip).to_string()).unwrap_or_default())
}

/// Whether a request is counted by its address.
#[must_use]
pub fn counts(requester: &Requester, rate: Rate) -> bool {
    address(requester, rate).is_some()
}

/// What a try to sign in is counted in.
pub struct LoginBuckets {
    /// By the name that was typed. The first tells when a captcha is asked for; a full one is answered as such.
    pub by_name: Vec<Bucket>,
    /// By the account that the name leads to. A full one is answered as a wrong password: anything else would tell that two
    /// names are one account's.
    pub by_account: Vec<Bucket>,
}

/// What a try to sign in is counted in: for one name or account from one address, from one address for any account, and for
/// one from anywhere. The last spares addresses that the account was signed in from before (`known`), so that strangers can't
/// shut its owner out. Unknown accounts are counted alike.
#[must_use]
pub fn login_buckets(
    rates: &RateLimits,
    requester: &Requester,
    name: &str,
    account: Option<UserId>,
    known: bool,
) -> LoginBuckets {
    let most = rates.logins.most;
    let Some(ip) = address(requester, rates.logins) else {
        return LoginBuckets { by_name: Vec::new(), by_account: Vec::new() };
    };
    let counted = |what: &str, key: &str| {
        let from_address =
            Bucket::new(&format!("login by {what} and address"), &format!("{key}\n{ip}"), most, TRIES_WINDOW);
        let anywhere = Bucket::new(&format!("login by {what}"), key, most.saturating_mul(10), TRIES_WINDOW);
        [from_address].into_iter().chain((!known).then_some(anywhere))
    };
    let by_address = Bucket::new("login by address", &ip, most.saturating_mul(10), TRIES_WINDOW);
    let account = account.map_or_else(|| name.to_owned(), |account| format!("#{}", account.0));
    LoginBuckets {
        by_name: counted("name", name).chain([by_address]).collect(),
        by_account: counted("account", &account).collect(),
    }
}

/// Tries at the codes of one contact from one address, while `PLAZA_LIMIT_LOGINS` allows as many: fewer than a code has in all
/// (ten), so that one address can't use up a code of another user.
const CODE_TRIES: u32 = 3;

/// What a try at a code is counted in: by contact and address, the first, so that one client can't use up a code of another
/// user; and by address. (A code counts its tries too: ten from the network that asked for it, ten from elsewhere.)
#[must_use]
pub fn code_try_buckets(rates: &RateLimits, requester: &Requester, contact: &Contact) -> Vec<Bucket> {
    let most = rates.logins.most;
    let Some(ip) = address(requester, rates.logins) else { return Vec::new() };
    let both = format!("{}\n{ip}", contact.as_str());
    vec![
        Bucket::new("code try by contact and address", &both, most.min(CODE_TRIES), TRIES_WINDOW),
        Bucket::new("code try by address", &ip, most.saturating_mul(10), TRIES_WINDOW),
    ]
}

/// What a try at the current password of a signed-in user is counted in: from one address, so that a copied token does not stop
/// its owner elsewhere, and in all.
#[must_use]
pub fn password_change_buckets(rates: &RateLimits, requester: &Requester, user: UserId) -> Vec<Bucket> {
    let (most, user) = (rates.logins.most, user.0.to_string());
    let ip = requester.ip.map(|ip| rate_limit::network(ip).to_string()).unwrap_or_default();
    vec![
        Bucket::new("password change by user and address", &format!("{user}\n{ip}"), most, TRIES_WINDOW),
        Bucket::new("password change by user", &user, most.saturating_mul(10), TRIES_WINDOW),
    ]
}

/// Look-ups of contacts by one person in an hour: enough to find friends, too few to go through numbers.
const LOOKUPS_BY_PERSON: u32 = 100;

/// Look-ups of contacts from one address in an hour, by all its users; local ones are spared.
const LOOKUPS_BY_ADDRESS: u32 = 300;

/// What looking for the person behind a contact is counted in.
#[must_use]
pub fn lookup_buckets(requester: &Requester, viewer: UserId) -> Vec<Bucket> {
    let hour = TimeDelta::hours(1);
    let ip = address(requester, Rate { most: LOOKUPS_BY_ADDRESS, explicit: false });
    let mut buckets = vec![Bucket::new("contact look-ups", &viewer.0.to_string(), LOOKUPS_BY_PERSON, hour)];
    buckets.extend(ip.map(|ip| Bucket::new("contact look-ups by address", &ip, LOOKUPS_BY_ADDRESS, hour)));
    buckets
}

/// What a new account is counted in.
#[must_use]
pub fn registration_buckets(rates: &RateLimits, requester: &Requester) -> Vec<Bucket> {
    let ip = address(requester, rates.registrations);
    let bucket =
        |ip: String| Bucket::new("registration by address", &ip, rates.registrations.most, TimeDelta::hours(1));
    ip.map(bucket).into_iter().collect()
}

/// What a captcha is counted in.
#[must_use]
pub fn captcha_buckets(rates: &RateLimits, requester: &Requester) -> Vec<Bucket> {
    let ip = address(requester, rates.captchas);
    let bucket = |ip: String| Bucket::new("captcha by address", &ip, rates.captchas.most, TimeDelta::minutes(10));
    ip.map(bucket).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_judged_by_length_in_characters() {
        assert_eq!(check_password("1234567"), Err(AccountError::PasswordTooShort));
        assert_eq!(check_password("我的密码是很长的"), Ok(()));
        assert_eq!(check_password(&"a long one ".repeat(11)), Ok(()));
        assert_eq!(check_password("Password1"), Err(AccountError::PasswordCommon));
        assert_eq!(check_password(&"x".repeat(129)), Err(AccountError::PasswordTooLong));
    }
}
