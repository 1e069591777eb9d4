//! What an event says beyond the columns of its row, as JSON: a closed set of shapes, small ones.
//!
//! A shape that this version doesn't know, which a newer instance wrote, is [`EventData::Unknown`]: no subscriber of this instance gets the event.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};

use crate::domains::groups::model::MembershipChange;
use crate::ids::UserId;

/// One of the shapes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventData {
    /// Of `MEMBERS_CHANGED`.
    Members(MemberChanges),
    /// Of `GROUP_MEMBER_CHANGED`.
    Member(MemberChange),
    /// Of a newer instance. It can't be written.
    #[serde(skip)]
    Unknown,
}

/// What changed about a member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberChange {
    /// What.
    pub change: MembershipChange,
}

/// Whose membership of a conversation began or ended, at one version of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberChanges {
    /// Members from now on.
    #[serde(default)]
    pub added: Vec<UserId>,
    /// Members no longer.
    #[serde(default)]
    pub removed: Vec<UserId>,
}

impl ToSql<Jsonb, Pg> for EventData {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        std::io::Write::write_all(out, &[1])?;
        serde_json::to_writer(out, self)?;
        Ok(IsNull::No)
    }
}

impl FromSql<Jsonb, Pg> for EventData {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let json = value.as_bytes().split_first().filter(|(version, _)| **version == 1);
        Ok(json.and_then(|(_, json)| serde_json::from_slice(json).ok()).unwrap_or(Self::Unknown))
    }
}
