//! What people may say of themselves.

use chrono::{Datelike, NaiveDate};

use super::{check_nickname, check_username, stored_name, username_key};
use crate::domains::accounts::model::{
    Access, AccountError, AdminUpdateUser, ContactFlags, Profile, ProfileChanges, UpdatePlace, UpdateProfile,
    UserChanges, Verification,
};
use crate::domains::nearby::model::PositionChange;
use crate::error::UserError;
use crate::geo::GeoPoint;
use crate::text::{self, TextError, is_line, is_lines};
use crate::validation::{Patch, Validation};

const LONGEST_LINE: usize = 64;
const LONGEST_ADDRESS: usize = 200;
const LONGEST_BIO: usize = 500;
const MOST_POINTS: i32 = 1_000_000;

fn check_length(text: &str, longest: usize) -> Result<(), AccountError> {
    text::check_length(text, longest).map_err(|fault| match fault {
        TextError::TooManyBytes(bytes) => AccountError::TooManyBytes(bytes),
        _ => AccountError::TooLong(longest),
    })
}

fn check_line(text: &str, longest: usize) -> Result<(), AccountError> {
    check_length(text, longest)?;
    if !is_line(text) {
        return Err(AccountError::NotOneLine);
    }
    Ok(())
}

fn check_lines(text: &str, longest: usize) -> Result<(), AccountError> {
    check_length(text, longest)?;
    if !is_lines(text) {
        return Err(AccountError::NotText);
    }
    Ok(())
}

fn line(text: &str) -> Result<(), AccountError> {
    check_line(text, LONGEST_LINE)
}

/// Why a user was suspended, or what else an administrator notes.
///
/// # Errors
/// [`AccountError::TooLong`] or [`AccountError::NotText`].
pub fn check_note(text: &str) -> Result<(), AccountError> {
    check_lines(text, LONGEST_BIO)
}

fn check_birthday(birthday: NaiveDate, today: NaiveDate) -> Result<(), AccountError> {
    if birthday.year() < 1900 || birthday > today { Err(AccountError::BirthdayOutOfRange) } else { Ok(()) }
}

/// Whole years since a birthday.
#[must_use]
pub fn age(birthday: NaiveDate, today: NaiveDate) -> i32 {
    let had_birthday = (today.month(), today.day()) >= (birthday.month(), birthday.day());
    today.year() - birthday.year() - i32::from(!had_birthday)
}

/// Turns a profile's update into changes of its rows and of the position; contacts are not among them, nor the review of the
/// ID card ([`reverify`]).
///
/// # Errors
/// All that is wrong, at once.
pub fn validate_update(
    update: UpdateProfile,
    today: NaiveDate,
) -> Result<(UserChanges, ProfileChanges, PositionChange), Vec<UserError>> {
    let mut validation = Validation::default();
    let names = name_changes(&mut validation, update.username, update.nickname);
    let user = UserChanges { avatar_id: update.avatar_id.into_change(), ..names };
    let id_card = validation.clearable(trimmed(update.id_card), "input.idCard", |text| line(text));
    let place = match update.place {
        Patch::Keep => UpdatePlace::default(),
        Patch::Set(place) => place,
        Patch::Clear => {
            UpdatePlace { country: Patch::Clear, province: Patch::Clear, city: Patch::Clear, district: Patch::Clear }
        }
    };
    let coordinates = validation.clearable(update.coordinates, "input.coordinates", |place| {
        if place.is_on_earth() { Ok(()) } else { Err(AccountError::CoordinatesOutOfRange) }
    });
    let position = PositionChange {
        cell: coordinates.map(GeoPoint::cell),
        visibility: validation
            .required(update.position_visibility, "input.positionVisibility", |_| Ok::<_, AccountError>(())),
    };
    let changes = ProfileChanges {
        gender: validation.required(update.gender, "input.gender", |_| Ok::<_, AccountError>(())),
        birthday: validation
            .clearable(update.birthday, "input.birthday", |birthday| check_birthday(*birthday, today))
            .into_change(),
        bio: validation.required(update.bio, "input.bio", |bio| check_lines(bio, LONGEST_BIO)),
        id_card: id_card.into_change(),
        student_id: validation
            .clearable(trimmed(update.student_id), "input.studentId", |text| line(text))
            .into_change(),
        address: validation.required(update.address, "input.address", |text| check_lines(text, LONGEST_ADDRESS)),
        presence_visibility: validation
            .required(update.presence_visibility, "input.presenceVisibility", |_| Ok::<_, AccountError>(())),
        country: validation.clearable(place.country, "input.place.country", |text| line(text)).into_change(),
        province: validation.clearable(place.province, "input.place.province", |text| line(text)).into_change(),
        city: validation.clearable(place.city, "input.place.city", |text| line(text)).into_change(),
        district: validation.clearable(place.district, "input.place.district", |text| line(text)).into_change(),
        ..ProfileChanges::default()
    };
    validation.into_result().map(|()| (user, changes, position))
}

/// A number without the white space around it; a blank one is none.
fn trimmed(number: Patch<String>) -> Patch<String> {
    match number.map(|text| text.trim().to_owned()) {
        Patch::Set(text) if text.chars().all(text::is_blank) => Patch::Clear,
        number => number,
    }
}

/// The state of the review after a change of the ID card: a new one has to be reviewed; without one there is nothing to
/// review.
#[must_use]
pub fn reverify(current: &Profile, id_card: Option<&Option<String>>) -> Option<Verification> {
    let id_card = id_card?;
    if current.id_card == *id_card {
        return None;
    }
    Some(if id_card.is_some() { Verification::Pending } else { Verification::None })
}

fn name_changes(validation: &mut Validation, username: Patch<String>, nickname: Patch<String>) -> UserChanges {
    let username = validation.required(username, "input.username", |name| check_username(name));
    let nickname = validation.required(nickname, "input.nickname", |name| check_nickname(name));
    UserChanges {
        username_key: username.as_deref().map(username_key),
        username: username.as_deref().map(stored_name),
        nickname: nickname.as_deref().map(stored_name),
        ..UserChanges::default()
    }
}

/// Turns an administrator's update of an account into changes of its rows; the password is not among them.
///
/// # Errors
/// All that is wrong, at once.
pub fn validate_admin_update(update: &AdminUpdateUser) -> Result<(UserChanges, ProfileChanges), Vec<UserError>> {
    let mut validation = Validation::default();
    let names = name_changes(&mut validation, update.username.clone(), update.nickname.clone());
    let user = UserChanges {
        avatar_id: update.avatar_id.into_change(),
        role: validation.required(update.role, "input.role", |_| Ok::<_, AccountError>(())),
        // Not proven.
        email_verified: (!update.email.is_keep()).then_some(false),
        email: update.email.clone().into_change(),
        phone_verified: (!update.phone.is_keep()).then_some(false),
        phone: update.phone.clone().into_change(),
        ..names
    };
    let address = update.address.clone();
    let profile = ProfileChanges {
        address: validation.required(address, "input.address", |text| check_lines(text, LONGEST_ADDRESS)),
        verification: validation.required(update.verification, "input.verification", |_| Ok::<_, AccountError>(())),
        score: validation.required(update.score, "input.score", |score| {
            if (-MOST_POINTS..=MOST_POINTS).contains(score) { Ok(()) } else { Err(AccountError::ScoreOutOfRange) }
        }),
        // What waited to be verified is overtaken.
        pending_email: (!update.email.is_keep()).then_some(None),
        pending_phone: (!update.phone.is_keep()).then_some(None),
        ..ProfileChanges::default()
    };
    // Hashed elsewhere.
    validation.required(update.new_password.clone(), "input.newPassword", |text| super::check_password(text));
    validation.into_result().map(|()| (user, profile))
}

/// Whether the ID card is the one that an administrator reviewed; without `expected` it may be any.
///
/// # Errors
/// [`AccountError::IdCardChanged`].
pub fn check_id_card(current: &Profile, expected: &Patch<String>) -> Result<(), AccountError> {
    let is_expected = match expected {
        Patch::Keep => true,
        Patch::Clear => current.id_card.is_none(),
        Patch::Set(expected) => current.id_card.as_deref() == Some(expected.trim()),
    };
    if is_expected { Ok(()) } else { Err(AccountError::IdCardChanged) }
}

/// Whether an account can still be signed in to once these contacts are removed.
///
/// # Errors
/// [`AccountError::LastWayIn`].
pub fn check_way_in(access: &Access, removed: ContactFlags) -> Result<(), AccountError> {
    let by_email = access.email.is_some() && !removed.email;
    let by_phone = access.phone.is_some() && !removed.phone;
    if access.password_hash.is_some() || by_email || by_phone { Ok(()) } else { Err(AccountError::LastWayIn) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn years_are_counted_on_birthdays() {
        for (born, today, years) in [
            ("2000-05-01", "2026-04-30", 25),
            ("2000-05-01", "2026-05-01", 26),
            ("2000-02-29", "2026-02-28", 25),
            ("2000-02-29", "2026-03-01", 26),
            ("2026-05-01", "2026-05-01", 0),
        ] {
            assert_eq!(age(day(born), day(today)), years, "{born} {today}");
        }
        assert_eq!(check_birthday(day("1899-12-31"), day("2026-05-01")), Err(AccountError::BirthdayOutOfRange));
        assert_eq!(check_birthday(day("2026-05-02"), day("2026-05-01")), Err(AccountError::BirthdayOutOfRange));
    }

    #[test]
    fn texts_fit_and_can_be_seen() {
        assert_eq!(check_line("南京路 1 号", 64), Ok(()));
        assert_eq!(check_line("two\nlines", 64), Err(AccountError::NotOneLine));
        assert_eq!(check_lines("two\nlines", 64), Ok(()));
        assert_eq!(check_lines("a\0b", 64), Err(AccountError::NotText));
        assert_eq!(check_lines("a\u{202e}b", 64), Err(AccountError::NotText));
        assert_eq!(check_line(&"字".repeat(65), 64), Err(AccountError::TooLong(64)));
    }
}
