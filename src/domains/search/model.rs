//! What can be found, and what was.

use async_graphql::Enum;
use serde::Serialize;

use super::words::SearchDocument;
use crate::db::pg_enum;
use crate::db::schema::sql_types;

pg_enum! {
    /// What can be found.
    #[derive(Enum, PartialOrd, Ord, Serialize, serde::Deserialize)]
    pub enum SearchKind: sql_types::SearchKind {
        /// People, by nickname, username and account number.
        User = "USER",
        /// Items, by title and note.
        Item = "ITEM",
        /// Tasks, by title, and by content while they are open.
        Task = "TASK",
        /// Products, by name.
        Product = "PRODUCT",
        /// Groups, by name and introduction.
        Group = "GROUP",
        /// Merchants, by name.
        Merchant = "MERCHANT",
    }
}

/// What the score of something that is over is multiplied with.
pub const OVER_BOOST: f32 = 0.5;

/// What search is to know of something.
#[derive(Clone, Debug)]
pub struct SearchEntry {
    /// What it is.
    pub kind: SearchKind,
    /// Its key.
    pub subject_id: i64,
    /// What its score is multiplied with.
    pub boost: f32,
    /// Its words.
    pub document: SearchDocument,
}

/// Something that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// What it is.
    pub kind: SearchKind,
    /// Its key.
    pub subject_id: i64,
    /// How well it fits, in millionths.
    pub score: i64,
}

/// A place in a list of hits.
pub type HitKey = (i64, SearchKind, i64);

impl Hit {
    /// How well it fits, 0 to 1.
    #[must_use]
    pub fn fit(&self) -> f64 {
        // A few millionths: far below what a float holds.
        i32::try_from(self.score).map_or(1.0, |score| f64::from(score) / 1_000_000.0)
    }

    /// Its place.
    #[must_use]
    pub fn key(&self) -> HitKey {
        (self.score, self.kind, self.subject_id)
    }
}
