//! Rows of merchants, and what is asked of them; what can go wrong apart ([`error`]).

pub mod error;

use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Insertable, NullableExpressionMethods, Queryable, Selectable};
use serde::Serialize;

use crate::db::schema;
use crate::domains::search::model::{SearchEntry, SearchKind};
use crate::domains::search::words::{Field, SearchDocument};
use crate::ids::{ActivationCodeId, MediaId, MerchantId, MerchantMembershipId, UserId};
use crate::validation::Patch;

pub use error::MerchantError;

/// A merchant that was not closed.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::merchants)]
pub struct Merchant {
    /// Key.
    pub id: MerchantId,
    /// What it is called.
    pub name: String,
    /// Its picture, which it has until it is closed.
    #[diesel(select_expression = schema::merchants::icon_id.assume_not_null())]
    pub icon_id: MediaId,
    /// Whose it is.
    pub owner_id: UserId,
    /// Who answers customers.
    pub contact_id: UserId,
    /// How many have joined it.
    pub member_count: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When what it is, whose it is or its contact last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<&Merchant> for SearchEntry {
    fn from(merchant: &Merchant) -> Self {
        let document = SearchDocument::new(&[(merchant.name.as_str(), Field::Title)]);
        Self { kind: SearchKind::Merchant, subject_id: merchant.id.0, boost: 1.0, document }
    }
}

/// A merchant to be.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::merchants)]
pub struct NewMerchant {
    /// What it is called.
    pub name: String,
    /// Its picture.
    pub icon_id: MediaId,
    /// Whose it is.
    pub owner_id: UserId,
    /// Who answers customers.
    pub contact_id: UserId,
    /// How many have joined it: the owner.
    pub member_count: i32,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// Now.
    pub updated_at: DateTime<Utc>,
}

/// Columns of a merchant that change; those that are None stay.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = schema::merchants)]
pub struct MerchantChanges {
    /// What it is called.
    pub name: Option<String>,
    /// Its picture.
    pub icon_id: Option<MediaId>,
    /// Whose it is.
    pub owner_id: Option<UserId>,
    /// Who answers customers.
    pub contact_id: Option<UserId>,
    /// Now.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A merchant to be made, as its creator gives it.
#[derive(Clone, Debug)]
pub struct CreateMerchant {
    /// The code that allows it.
    pub activation_code: String,
    /// What it is called.
    pub name: String,
    /// Its picture.
    pub icon: MediaId,
    /// Who answers customers.
    pub contact: UserId,
}

/// Changes of a merchant, as they are given.
#[derive(Clone, Debug, Default)]
pub struct UpdateMerchant {
    /// What it is called.
    pub name: Patch<String>,
    /// Its picture.
    pub icon: Patch<MediaId>,
    /// Who answers customers.
    pub contact: Patch<UserId>,
}

/// A user's membership of a merchant.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::merchant_members)]
pub struct MerchantMembership {
    /// Key.
    pub id: MerchantMembershipId,
    /// Where.
    pub merchant_id: MerchantId,
    /// Who.
    pub user_id: UserId,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// A merchant that was joined, made or changed, with the viewer's membership.
#[derive(Clone, Debug)]
pub struct JoinedMerchant {
    /// The merchant.
    pub merchant: Merchant,
    /// The membership, where the viewer has one.
    pub membership: Option<MerchantMembership>,
}

/// A code that a merchant is made with.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::activation_codes)]
pub struct ActivationCode {
    /// Key.
    pub id: ActivationCodeId,
    /// The code, as it is stored; see [`super::policy::shown_code`].
    pub code: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its time is over.
    pub expires_at: Option<DateTime<Utc>>,
    /// The merchant that was made with it.
    pub merchant_id: Option<MerchantId>,
}

/// A code to be.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::activation_codes)]
pub struct NewActivationCode {
    /// The code.
    pub code: String,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// When its time is over.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Which merchants a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct MerchantFilter {
    /// Words to look for.
    pub query: Option<String>,
    /// Whether the viewer has joined it.
    pub joined: Option<bool>,
}
