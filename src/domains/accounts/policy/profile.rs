//! What people may say of themselves.

use chrono::{Datelike, NaiveDate};

use super::{check_nickname, check_username, stored_name, username_key};
use crate::domains::accounts::model::{
    Access, AccountError, AdminUpdate, PlaceUpdate, Profile, ProfileChanges, ProfileUpdate, UserChanges, Verification,
};
use crate::error::UserError;
use crate::text::{self, TextFault, is_line, is_lines};
use crate::validation::{Change, Faults};

const LONGEST_LINE: usize = 64;
const LONGEST_ADDRESS: usize = 200;
const LONGEST_BIO: usize = 500;
const MOST_POINTS: i32 = 1_000_000;

fn check_length(text: &str, longest: usize) -> Result<(), AccountError> {
    text::check_length(text, longest).map_err(|fault| match fault {
        TextFault::TooManyBytes(bytes) => AccountError::TooManyBytes(bytes),
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

/// Why somebody was suspended, or what else an administrator notes.
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

/// Turns a profile's update into changes of its rows; contacts are not among them, nor the review of the ID card
/// ([`reverify`]).
///
/// # Errors
/// All that is wrong, at once.
pub fn judge_update(update: ProfileUpdate, today: NaiveDate) -> Result<(UserChanges, ProfileChanges), Vec<UserError>> {
    let mut faults = Faults::default();
    let names = name_changes(&mut faults, update.username, update.nickname);
    let user = UserChanges { avatar_id: update.avatar_id, ..names };
    let id_card = faults.clearable(said(update.id_card), "input.idCard", |text| line(text));
    let place = match update.place {
        None => PlaceUpdate::default(),
        Some(Some(place)) => place,
        Some(None) => PlaceUpdate { country: Some(None), province: Some(None), city: Some(None), district: Some(None) },
    };
    let coordinates = faults.clearable(update.coordinates, "input.coordinates", |place| {
        if place.is_on_earth() { Ok(()) } else { Err(AccountError::CoordinatesOutOfRange) }
    });
    let coordinates = coordinates.map(|place| place.map(crate::geo::Coordinates::snap));
    let changes = ProfileChanges {
        gender: faults.required(update.gender, "input.gender", |_| Ok::<_, AccountError>(())),
        birthday: faults.clearable(update.birthday, "input.birthday", |birthday| check_birthday(*birthday, today)),
        bio: faults.required(update.bio, "input.bio", |bio| check_lines(bio, LONGEST_BIO)),
        id_card,
        student_id: faults.clearable(said(update.student_id), "input.studentId", |text| line(text)),
        address: faults.required(update.address, "input.address", |text| check_lines(text, LONGEST_ADDRESS)),
        country: faults.clearable(place.country, "input.place.country", |text| line(text)),
        province: faults.clearable(place.province, "input.place.province", |text| line(text)),
        city: faults.clearable(place.city, "input.place.city", |text| line(text)),
        district: faults.clearable(place.district, "input.place.district", |text| line(text)),
        longitude: coordinates.map(|place| place.map(|place| place.longitude)),
        latitude: coordinates.map(|place| place.map(|place| place.latitude)),
        ..ProfileChanges::default()
    };
    faults.none().map(|()| (user, changes))
}

/// The number of an ID card without the white space around it; a blank one is none.
fn said(change: Change<String>) -> Change<String> {
    let value = change?.map(|text| text.trim().to_owned());
    Some(value.filter(|text| !text.chars().all(text::is_blank)))
}

/// The state of the review after a change of the ID card: a new one has to be reviewed; without one there is nothing to
/// review.
#[must_use]
pub fn reverify(current: &Profile, id_card: &Change<String>) -> Option<Verification> {
    let id_card = id_card.as_ref()?;
    if current.id_card == *id_card {
        return None;
    }
    Some(if id_card.is_some() { Verification::Pending } else { Verification::None })
}

fn name_changes(faults: &mut Faults, username: Change<String>, nickname: Change<String>) -> UserChanges {
    let username = faults.required(username, "input.username", |name| check_username(name));
    let nickname = faults.required(nickname, "input.nickname", |name| check_nickname(name));
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
pub fn judge_admin_update(update: &AdminUpdate) -> Result<(UserChanges, ProfileChanges), Vec<UserError>> {
    let mut faults = Faults::default();
    let names = name_changes(&mut faults, update.username.clone(), update.nickname.clone());
    let user = UserChanges {
        avatar_id: update.avatar_id,
        role: faults.required(update.role, "input.role", |_| Ok::<_, AccountError>(())),
        email: update.email.clone(),
        // Not proven.
        email_verified: update.email.as_ref().map(|_| false),
        phone: update.phone.clone(),
        phone_verified: update.phone.as_ref().map(|_| false),
        ..names
    };
    let address = update.address.clone();
    let profile = ProfileChanges {
        address: faults.required(address, "input.address", |text| check_lines(text, LONGEST_ADDRESS)),
        verification: faults.required(update.verification, "input.verification", |_| Ok::<_, AccountError>(())),
        score: faults.required(update.score, "input.score", |score| {
            if (-MOST_POINTS..=MOST_POINTS).contains(score) { Ok(()) } else { Err(AccountError::ScoreOutOfRange) }
        }),
        // What waited to be verified is overtaken.
        pending_email: update.email.as_ref().map(|_| None),
        pending_phone: update.phone.as_ref().map(|_| None),
        ..ProfileChanges::default()
    };
    // Hashed elsewhere.
    faults.required(update.new_password.clone(), "input.newPassword", |text| super::check_password(text));
    faults.none().map(|()| (user, profile))
}

/// Whether the ID card is the one that an administrator reviewed; without `expected` it may be any.
///
/// # Errors
/// [`AccountError::IdCardChanged`].
pub fn check_id_card(current: &Profile, expected: &Change<String>) -> Result<(), AccountError> {
    match expected {
        Some(expected) if current.id_card.as_deref() != expected.as_deref().map(str::trim) => {
            Err(AccountError::IdCardChanged)
        }
        _ => Ok(()),
    }
}

/// Whether an account can still be signed in to once these contacts are gone.
///
/// # Errors
/// [`AccountError::LastWayIn`].
pub fn check_way_in(access: &Access, clears_email: bool, clears_phone: bool) -> Result<(), AccountError> {
    let by_email = access.email.is_some() && !clears_email;
    let by_phone = access.phone.is_some() && !clears_phone;
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
