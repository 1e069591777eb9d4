//! What merchants and activation codes may be, and who may change them, as pure functions.

use chrono::{DateTime, Utc};

use super::model::{ActivationCode, CreateMerchant, Merchant, MerchantChanges, MerchantError, UpdateMerchant};
use crate::clock::is_storable;
use crate::error::UserError;
use crate::ids::UserId;
use crate::text::check_line;
use crate::validation::Validation;

/// Codes that are made at once.
pub const MOST_CODES: i32 = 100;

/// Characters of a name.
const LONGEST_NAME: usize = 50;

/// Hexadecimal digits of a code: 128 bits.
const CODE_DIGITS: usize = 32;

/// Digits that are shown together.
const GROUPED_DIGITS: usize = 4;

/// The code of random bytes, as it is stored.
#[must_use]
pub fn code_of(bytes: [u8; CODE_DIGITS / 2]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// A code as people read and type it: in groups of four digits.
#[must_use]
pub fn shown_code(code: &str) -> String {
    let digits: Vec<char> = code.to_ascii_uppercase().chars().collect();
    let parts: Vec<String> = digits.chunks(GROUPED_DIGITS).map(|part| part.iter().collect()).collect();
    parts.join("-")
}

/// A code that was typed, as it is stored: case, blanks and hyphens do not matter.
///
/// # Errors
/// [`MerchantError::CodeInvalid`] for what is no code.
pub fn parse_code(typed: &str) -> Result<String, MerchantError> {
    let digits = typed.chars().filter(|digit| !digit.is_whitespace() && *digit != '-');
    // One more than there can be tells a longer text.
    let code: String = digits.take(CODE_DIGITS + 1).map(|digit| digit.to_ascii_lowercase()).collect();
    let is_code = code.len() == CODE_DIGITS && code.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_code { Ok(code) } else { Err(MerchantError::CodeInvalid) }
}

/// Whether a merchant can be made with a code.
///
/// # Errors
/// [`MerchantError::CodeUsed`] or [`MerchantError::CodeInvalid`].
pub fn check_code(code: Option<&ActivationCode>, now: DateTime<Utc>) -> Result<(), MerchantError> {
    let code = code.ok_or(MerchantError::CodeInvalid)?;
    if code.merchant_id.is_some() {
        return Err(MerchantError::CodeUsed);
    }
    if code.expires_at.is_some_and(|at| at <= now) { Err(MerchantError::CodeInvalid) } else { Ok(()) }
}

/// Whether so many codes can be made, for so long; how many.
///
/// # Errors
/// [`MerchantError::CountOutOfRange`] or [`MerchantError::ExpiryPassed`].
pub fn check_codes(count: i32, expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), Vec<UserError>> {
    let mut validation = Validation::default();
    let in_range = (1..=MOST_CODES).contains(&count);
    validation.check(if in_range { Ok(()) } else { Err(MerchantError::CountOutOfRange(MOST_CODES)) }, "count");
    let is_ahead = expires_at.is_none_or(|at| at > now && is_storable(at));
    validation.check(if is_ahead { Ok(()) } else { Err(MerchantError::ExpiryPassed) }, "expiresAt");
    validation.into_result()
}

/// Whether a user owns a merchant.
///
/// # Errors
/// [`MerchantError::NotOwner`].
pub fn check_owner(merchant: &Merchant, user: UserId) -> Result<(), MerchantError> {
    if merchant.owner_id == user { Ok(()) } else { Err(MerchantError::NotOwner) }
}

/// Whether a user may leave a merchant: its owner once they are its only member.
///
/// # Errors
/// [`MerchantError::OwnerMustTransfer`].
pub fn check_leave(merchant: &Merchant, user: UserId) -> Result<(), MerchantError> {
    let is_followed = merchant.owner_id == user && merchant.member_count > 1;
    if is_followed { Err(MerchantError::OwnerMustTransfer) } else { Ok(()) }
}

/// Changes without what is in the row already.
#[must_use]
pub fn without_repeated(changes: MerchantChanges, present: &Merchant) -> MerchantChanges {
    MerchantChanges {
        name: changes.name.filter(|name| *name != present.name),
        icon_id: changes.icon_id.filter(|icon| *icon != present.icon_id),
        contact_id: changes.contact_id.filter(|contact| *contact != present.contact_id),
        ..changes
    }
}

/// Whether there is nothing to be changed.
#[must_use]
pub fn changes_nothing(changes: &MerchantChanges) -> bool {
    changes.name.is_none() && changes.icon_id.is_none() && changes.contact_id.is_none()
}

/// Whether a user may resign as the contact of a merchant.
///
/// # Errors
/// [`MerchantError::NotContact`] or [`MerchantError::OwnerIsContact`].
pub fn check_resign(merchant: &Merchant, user: UserId) -> Result<(), MerchantError> {
    if merchant.contact_id != user {
        return Err(MerchantError::NotContact);
    }
    if merchant.owner_id == user { Err(MerchantError::OwnerIsContact) } else { Ok(()) }
}

/// Checks what a merchant is said to be.
///
/// # Errors
/// All that is wrong with it.
pub fn validate_create(draft: &CreateMerchant) -> Result<(), Vec<UserError>> {
    let mut validation = Validation::default();
    validation.check(check_line(&draft.name, LONGEST_NAME), "input.name");
    validation.check(parse_code(&draft.activation_code).map(drop), "input.activationCode");
    validation.into_result()
}

/// Checks what changes about a merchant.
///
/// # Errors
/// All that is wrong with it.
pub fn validate_update(update: UpdateMerchant) -> Result<MerchantChanges, Vec<UserError>> {
    let UpdateMerchant { name, icon, contact } = update;
    let mut validation = Validation::default();
    let name = validation.required(name, "input.name", |name| check_line(name, LONGEST_NAME));
    let icon_id = validation.required(icon, "input.iconId", |_| Ok::<(), MerchantError>(()));
    let contact_id = validation.required(contact, "input.customerServiceId", |_| Ok::<(), MerchantError>(()));
    let changes = MerchantChanges {
        name: name.map(|name| name.trim().to_owned()),
        icon_id,
        contact_id,
        ..MerchantChanges::default()
    };
    validation.into_result().map(|()| changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        let code = code_of([0xab, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf]);
        let shown = shown_code(&code);
        assert_eq!(shown, "AB01-0000-0000-0000-0000-0000-0000-000F");
        for typed in [shown.clone(), shown.to_lowercase(), format!(" {} ", shown.replace('-', " ")), code.clone()] {
            assert_eq!(parse_code(&typed).as_ref(), Ok(&code), "{typed}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let long = "ab".repeat(5_000);
        for typed in ["", "AB01", "xyz", &"0".repeat(33), &"é".repeat(16), &long] {
            assert_eq!(parse_code(typed), Err(MerchantError::CodeInvalid), "{typed}");
        }
    }
}
