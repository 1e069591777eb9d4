//! What can be found, and what was.

use async_graphql::Enum;
use serde::Serialize;

use super::words::{Document, Field};
use crate::db::pg_enum;
use crate::db::schema::sql_types;
use crate::domains::accounts::model::User;
use crate::domains::items::model::{Item, ItemStatus};
use crate::domains::products::model::Product;
use crate::domains::tasks::model::{Task, TaskStatus};

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
    }
}

impl SearchKind {
    /// All of them.
    pub const ALL: &[Self] = &[Self::User, Self::Item, Self::Task, Self::Product];

    /// Its name in PostgreSQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Item => "ITEM",
            Self::Task => "TASK",
            Self::Product => "PRODUCT",
        }
    }
}

/// What search is to know of something.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is.
    pub kind: SearchKind,
    /// Its key.
    pub subject_id: i64,
    /// What its score is multiplied with.
    pub boost: f32,
    /// Its words.
    pub document: Document,
}

/// How much less somebody looks for what is over.
const OVER: f32 = 0.5;

/// What an item's score is multiplied with.
#[must_use]
pub fn boost_of(status: ItemStatus) -> f32 {
    if status == ItemStatus::Open { 1.0 } else { OVER }
}

/// What a task's score is multiplied with.
#[must_use]
pub fn boost_of_task(status: TaskStatus) -> f32 {
    if status == TaskStatus::Open { 1.0 } else { OVER }
}

impl From<&Task> for Entry {
    fn from(task: &Task) -> Self {
        let content = task.public_content().unwrap_or_default();
        let fields = [(task.title.as_str(), Field::Title), (content, Field::Text)];
        Self {
            kind: SearchKind::Task,
            subject_id: task.id.0,
            boost: boost_of_task(task.status),
            document: Document::new(&fields),
        }
    }
}

impl From<&Product> for Entry {
    fn from(product: &Product) -> Self {
        let document = Document::new(&[(product.name.as_str(), Field::Title)]);
        Self { kind: SearchKind::Product, subject_id: product.id.0, boost: 1.0, document }
    }
}

impl From<&Item> for Entry {
    fn from(item: &Item) -> Self {
        let fields = [(item.title.as_str(), Field::Title), (item.note.as_str(), Field::Text)];
        Self {
            kind: SearchKind::Item,
            subject_id: item.id.0,
            boost: boost_of(item.status),
            document: Document::new(&fields),
        }
    }
}

impl From<&User> for Entry {
    fn from(user: &User) -> Self {
        let number = user.account_number.to_string();
        let fields = [&user.nickname, &user.username, &number].map(|text| (text.as_str(), Field::Title));
        Self { kind: SearchKind::User, subject_id: user.id.0, boost: 1.0, document: Document::new(&fields) }
    }
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
