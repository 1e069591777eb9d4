//! Rows and enums of accounts: people here; their [`profile`]s, [`session`]s, [`code`]s and [`error`]s apart.

pub mod code;
pub mod error;
pub mod profile;
pub mod session;

use std::sync::Arc;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Insertable, Queryable, Selectable};

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::domains::search::model::{SearchEntry, SearchKind};
use crate::domains::search::words::{Field, SearchDocument};
use crate::ids::{MediaId, UserId};
use crate::validation::Patch;

pub use code::{CaptchaAnswer, CodeProof, CodePurpose};
pub use error::AccountError;
pub use profile::{
    ContactFlags, Gender, Place, Profile, ProfileChanges, PublicProfile, UpdatePlace, UpdateProfile, Verification,
};
pub use session::{Device, NewSession, Platform, PresentedToken, Session, SessionEnd, SignedIn, Tokens};

pg_enum! {
    /// What a user may do beyond their own things.
    #[derive(Enum, serde::Serialize)]
    pub enum Role: sql_types::UserRole {
        /// Their own things.
        User = "USER",
        /// Answers support tickets.
        Support = "SUPPORT",
        /// Runs the community.
        Admin = "ADMIN",
    }
    unknown: User
}

/// A person, as others may know them; the password's hash stays in the database.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::users)]
pub struct User {
    /// Key.
    pub id: UserId,
    /// Public number, from 10000000.
    pub account_number: i32,
    /// Unique name.
    pub username: String,
    /// Name to show.
    pub nickname: String,
    /// Their picture.
    pub avatar_id: Option<MediaId>,
    /// Rights.
    pub role: Role,
    /// When they left; none for a user who did not.
    pub deleted_at: Option<DateTime<Utc>>,
    /// When they registered.
    pub created_at: DateTime<Utc>,
    /// When the profile last changed.
    pub updated_at: DateTime<Utc>,
}

/// A person and what they say of themselves to everybody, each shared.
#[derive(Clone, Debug)]
pub struct Person {
    /// The person.
    pub user: Arc<User>,
    /// What they say of themselves.
    pub profile: Arc<PublicProfile>,
}

impl From<&User> for SearchEntry {
    fn from(user: &User) -> Self {
        let number = user.account_number.to_string();
        let fields = [&user.nickname, &user.username, &number].map(|text| (text.as_str(), Field::Title));
        Self { kind: SearchKind::User, subject_id: user.id.0, boost: 1.0, document: SearchDocument::new(&fields) }
    }
}

/// A person to be.
#[derive(Insertable)]
#[diesel(table_name = schema::users)]
pub struct NewUser {
    /// Public number; the next one where none is given.
    pub account_number: Option<i32>,
    /// Unique name, as written.
    pub username: String,
    /// Unique name, as compared.
    pub username_key: String,
    /// Name to show.
    pub nickname: String,
    /// PHC string.
    pub password_hash: Option<String>,
    /// Verified address.
    pub email: Option<String>,
    /// Whether there is one.
    pub email_verified: bool,
    /// Verified number.
    pub phone: Option<String>,
    /// Whether there is one.
    pub phone_verified: bool,
    /// Now.
    pub created_at: DateTime<Utc>,
}

/// What a user signs in with, and whether they may.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::users)]
pub struct Access {
    /// PHC string; none for an account that has only used codes.
    pub password_hash: Option<String>,
    /// Address.
    pub email: Option<String>,
    /// Whether its owner has proven it.
    pub email_verified: bool,
    /// Number.
    pub phone: Option<String>,
    /// Whether its owner has proven it.
    pub phone_verified: bool,
    /// When they were suspended.
    pub suspended_at: Option<DateTime<Utc>>,
    /// Until when; none means until it is lifted.
    pub suspended_until: Option<DateTime<Utc>>,
    /// Why, in an administrator's words.
    pub suspension_reason: Option<String>,
}

impl Access {
    /// Whether they may not sign in now.
    #[must_use]
    pub fn is_suspended(&self, now: DateTime<Utc>) -> bool {
        let (suspended_at, suspended_until) = (self.suspended_at, self.suspended_until);
        Suspension { suspended_at, suspended_until }.holds(now)
    }
}

/// A user's suspension, as the row has it.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::users)]
pub struct Suspension {
    /// When they were suspended.
    pub suspended_at: Option<DateTime<Utc>>,
    /// Until when; none means until it is lifted.
    pub suspended_until: Option<DateTime<Utc>>,
}

impl Suspension {
    /// Whether they are suspended at a time.
    #[must_use]
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        self.suspended_at.is_some() && self.suspended_until.is_none_or(|until| until > now)
    }
}

/// Changes of a person's row; none keeps.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = schema::users)]
pub struct UserChanges {
    /// Unique name, as written.
    pub username: Option<String>,
    /// Unique name, as compared.
    pub username_key: Option<String>,
    /// Name to show.
    pub nickname: Option<String>,
    /// Picture.
    pub avatar_id: Option<Option<MediaId>>,
    /// Rights.
    pub role: Option<Role>,
    /// PHC string.
    pub password_hash: Option<String>,
    /// Address.
    pub email: Option<Option<String>>,
    /// Whether its owner has proven it.
    pub email_verified: Option<bool>,
    /// Number.
    pub phone: Option<Option<String>>,
    /// Whether its owner has proven it.
    pub phone_verified: Option<bool>,
    /// Now.
    pub updated_at: Option<DateTime<Utc>>,
}

impl UserChanges {
    /// Of names and picture, those alone that are not what they were.
    #[must_use]
    pub fn without_same(self, before: &User) -> Self {
        Self {
            username: self.username.filter(|name| *name != before.username),
            nickname: self.nickname.filter(|name| *name != before.nickname),
            avatar_id: self.avatar_id.filter(|avatar| *avatar != before.avatar_id),
            ..self
        }
    }
}

/// Changes that an administrator makes to an account.
#[derive(Clone, Debug, Default)]
pub struct AdminUpdateUser {
    /// Unique name.
    pub username: Patch<String>,
    /// Name to show.
    pub nickname: Patch<String>,
    /// Address, taken as it is.
    pub email: Patch<String>,
    /// Number, taken as it is.
    pub phone: Patch<String>,
    /// Postal address.
    pub address: Patch<String>,
    /// Picture.
    pub avatar_id: Patch<MediaId>,
    /// Rights.
    pub role: Patch<Role>,
    /// The state of the ID card's review.
    pub verification: Patch<Verification>,
    /// The number of the ID card that was reviewed.
    pub expected_id_card: Patch<String>,
    /// Points of reputation.
    pub score: Patch<i32>,
    /// Password.
    pub new_password: Patch<String>,
}

/// An administrator's search for users.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct UserSearch {
    /// Account number, part of a name, or a whole contact.
    pub query: Option<String>,
    /// With this role.
    pub role: Option<Role>,
    /// Suspended now, or not.
    pub suspended: Option<bool>,
}

/// What `register` is given.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Wished username.
    pub username: Option<String>,
    /// Wished password.
    pub password: String,
    /// Address, with the code that was sent to it or to be verified later.
    pub email: Option<String>,
    /// Number, with the code that was sent to it or to be verified later.
    pub phone: Option<String>,
    /// The code that was sent to the address.
    pub email_code: Option<String>,
    /// The code that was sent to the number.
    pub phone_code: Option<String>,
    /// Solved captcha.
    pub captcha: Option<CaptchaAnswer>,
    /// Name to show; the username where none is given.
    pub nickname: Option<String>,
    /// Where they sign in.
    pub device: Device,
}
