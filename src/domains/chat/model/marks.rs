//! What few messages have beside their content: mentions, reactions, a card's target.

use async_graphql::Enum;
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};

use crate::ids::UserId;

/// What few messages have, in one value, so that the others cost one null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, FromSqlRow)]
#[serde(default)]
pub struct MessageMarks {
    /// The message of the same conversation that it answers.
    pub reply: Option<i32>,
    /// When it was edited, in microseconds since 1970.
    pub edited: Option<i64>,
    /// Members mentioned by name, in the order given.
    pub mentions: Option<Vec<UserId>>,
    /// Whether it mentions all members.
    pub all: bool,
    /// Whether its content was taken over from another message.
    pub forwarded: bool,
    /// How many reactions it has.
    pub reactions: i32,
    /// The user who revoked it.
    pub by: Option<UserId>,
}

impl FromSql<Jsonb, Pg> for MessageMarks {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        match value.as_bytes().split_first() {
            Some((1, json)) => Ok(serde_json::from_slice(json)?),
            _ => Err("unknown jsonb format".into()),
        }
    }
}

/// An emoji on a message, with the users who put it there, the first one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Who.
    pub users: Vec<UserId>,
}

/// What kind of thing a card shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CardKind {
    /// An item of the market.
    Item,
    /// A task.
    Task,
    /// An order of the points store.
    Order,
    /// A user.
    User,
    /// A group.
    Group,
}

/// What a card shows: by its number, so that each viewer sees it as they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardTarget {
    /// What kind of thing.
    pub kind: CardKind,
    /// Its number.
    pub id: i64,
}
