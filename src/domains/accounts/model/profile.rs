//! What people say of themselves.

use async_graphql::Enum;
use chrono::NaiveDate;
use diesel::{AsChangeset, Queryable, Selectable};

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::domains::nearby::model::PositionVisibility;
use crate::domains::presence::model::PresenceVisibility;
use crate::geo::GeoPoint;
use crate::ids::MediaId;
use crate::validation::Patch;

pg_enum! {
    /// A user's gender, as they put it.
    #[derive(Enum)]
    pub enum Gender: sql_types::Gender {
        /// Male.
        Male = "MALE",
        /// Female.
        Female = "FEMALE",
        /// Neither, or both.
        Other = "OTHER",
        /// Not said.
        Unspecified = "UNSPECIFIED",
    }
}

pg_enum! {
    /// The state of an ID card's review.
    #[derive(Enum)]
    pub enum Verification: sql_types::Verification {
        /// No ID card was given.
        None = "NONE",
        /// Waits for an administrator.
        Pending = "PENDING",
        /// They are who they say.
        Verified = "VERIFIED",
        /// Refused.
        Rejected = "REJECTED",
    }
}

/// A user's profile, public and private.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::profiles)]
pub struct Profile {
    /// Address that waits to be verified.
    pub pending_email: Option<String>,
    /// Number that waits to be verified.
    pub pending_phone: Option<String>,
    /// Gender.
    pub gender: Gender,
    /// Date of birth.
    pub birthday: Option<NaiveDate>,
    /// About them.
    pub bio: String,
    /// Points of reputation.
    pub score: i32,
    /// The state of the ID card's review.
    pub verification: Verification,
    /// Where they live, as they put it.
    #[diesel(embed)]
    pub place: Place,
    /// Number of their identity card.
    pub id_card: Option<String>,
    /// Number at their school.
    pub student_id: Option<String>,
    /// Postal address.
    pub address: String,
    /// Who sees whether they are online.
    pub presence_visibility: PresenceVisibility,
}

/// What people say of themselves to everybody.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::profiles)]
pub struct PublicProfile {
    /// Gender.
    pub gender: Gender,
    /// Date of birth.
    pub birthday: Option<NaiveDate>,
    /// About them.
    pub bio: String,
    /// Points of reputation.
    pub score: i32,
    /// The state of the ID card's review.
    pub verification: Verification,
    /// Where they live, as they put it.
    #[diesel(embed)]
    pub place: Place,
}

/// Where a user lives, as they put it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = schema::profiles)]
pub struct Place {
    /// Country.
    pub country: Option<String>,
    /// Province.
    pub province: Option<String>,
    /// City.
    pub city: Option<String>,
    /// District.
    pub district: Option<String>,
}

impl Place {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.country, &self.province, &self.city, &self.district].into_iter().all(Option::is_none)
    }
}

/// Changes that a user makes to their own profile, not yet validated.
#[derive(Clone, Debug, Default)]
pub struct UpdateProfile {
    /// Unique name.
    pub username: Patch<String>,
    /// Name to show.
    pub nickname: Patch<String>,
    /// Picture.
    pub avatar_id: Patch<MediaId>,
    /// Address, to be verified.
    pub email: Patch<String>,
    /// Number, to be verified.
    pub phone: Patch<String>,
    /// Gender.
    pub gender: Patch<Gender>,
    /// Date of birth.
    pub birthday: Patch<NaiveDate>,
    /// About them.
    pub bio: Patch<String>,
    /// Number of their identity card.
    pub id_card: Patch<String>,
    /// Number at their school.
    pub student_id: Patch<String>,
    /// Postal address.
    pub address: Patch<String>,
    /// Position, before it is snapped.
    pub coordinates: Patch<GeoPoint>,
    /// Who may see that they are near.
    pub position_visibility: Patch<PositionVisibility>,
    /// Who sees whether they are online.
    pub presence_visibility: Patch<PresenceVisibility>,
    /// Where they live.
    pub place: Patch<UpdatePlace>,
}

/// Changes that a user makes to where they live.
#[derive(Clone, Debug, Default)]
pub struct UpdatePlace {
    /// Country.
    pub country: Patch<String>,
    /// Province.
    pub province: Patch<String>,
    /// City.
    pub city: Patch<String>,
    /// District.
    pub district: Patch<String>,
}

/// Some of an account's own contacts: those that a change removes.
#[derive(Clone, Copy, Debug)]
pub struct ContactFlags {
    /// The e-mail address.
    pub email: bool,
    /// The phone number.
    pub phone: bool,
}

impl ContactFlags {
    /// Whether it is at least one.
    #[must_use]
    pub fn any(self) -> bool {
        self.email || self.phone
    }

    /// The field of an update that an error about them is at.
    #[must_use]
    pub fn path(self) -> &'static str {
        if self.email { "input.email" } else { "input.phone" }
    }
}

/// Changes of a profile; none keeps.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = schema::profiles)]
pub struct ProfileChanges {
    /// Address that waits to be verified.
    pub pending_email: Option<Option<String>>,
    /// Number that waits to be verified.
    pub pending_phone: Option<Option<String>>,
    /// Gender.
    pub gender: Option<Gender>,
    /// Date of birth.
    pub birthday: Option<Option<NaiveDate>>,
    /// About them.
    pub bio: Option<String>,
    /// Points of reputation.
    pub score: Option<i32>,
    /// The state of the ID card's review.
    pub verification: Option<Verification>,
    /// Country.
    pub country: Option<Option<String>>,
    /// Province.
    pub province: Option<Option<String>>,
    /// City.
    pub city: Option<Option<String>>,
    /// District.
    pub district: Option<Option<String>>,
    /// Number of their identity card.
    pub id_card: Option<Option<String>>,
    /// Number at their school.
    pub student_id: Option<Option<String>>,
    /// Postal address.
    pub address: Option<String>,
    /// Who sees whether they are online.
    pub presence_visibility: Option<PresenceVisibility>,
}

impl ProfileChanges {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            pending_email,
            pending_phone,
            gender,
            birthday,
            bio,
            score,
            verification,
            country,
            province,
            city,
            district,
            id_card,
            student_id,
            address,
            presence_visibility,
        } = self;
        let texts = [pending_email, pending_phone, country, province, city, district, id_card, student_id];
        texts.into_iter().all(Option::is_none)
            && [bio, address].into_iter().all(Option::is_none)
            && gender.is_none()
            && birthday.is_none()
            && score.is_none()
            && verification.is_none()
            && presence_visibility.is_none()
    }
}
