//! What the bulk inserts share: times, keys, entries of search.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Transaction;

use super::store::{self, ExistingCounts, TABLES};
use crate::domains::search::words::{SearchDocument, VERSION};
use crate::error::AppResult;

/// Number of rows by kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct SeedCounts {
    /// People, at least two.
    pub users: i64,
    /// Items, shared out among them.
    pub items: i64,
    /// Favorites.
    pub favorites: i64,
    /// Direct conversations.
    pub conversations: i64,
    /// Messages, the same number in each conversation.
    pub messages: i64,
    /// Tasks, with what was paid for them.
    pub tasks: i64,
    /// Orders of products, with what was paid for them.
    pub orders: i64,
    /// Tickets, most of them answered.
    pub tickets: i64,
    /// Friendships.
    pub friendships: i64,
    /// People with a position.
    pub positions: i64,
    /// Groups, every other one with a place.
    pub groups: i64,
}

/// When the first of everything happened: 2026-01-01.
pub(super) const BEGINNING: i64 = 1_767_225_600;

pub(super) fn at(seconds: i64) -> String {
    let at = DateTime::<Utc>::from_timestamp(BEGINNING, 0).unwrap_or_default() + TimeDelta::seconds(seconds);
    at.to_rfc3339()
}

pub(super) fn key(existing: &ExistingCounts, table: &str) -> i64 {
    TABLES.iter().zip(&existing.keys).find(|(name, _)| **name == table).map_or(0, |(_, key)| *key)
}

/// Writes what search knows of something.
pub(super) fn entry(kind: &str, id: i64, boost: f32, document: &SearchDocument) -> String {
    format!("{kind}\t{id}\t{VERSION}\t{boost}\t{}", document.tsvector())
}

pub(super) const ENTRIES: (&str, &str) = ("search_entries", "kind, subject_id, version, boost, words");

pub(super) async fn add_words(transaction: &Transaction<'_>, kind: &str, words: &BTreeSet<String>) -> AppResult<()> {
    let known = store::list_words(transaction, kind).await?;
    let mut rows = store::copy(transaction, "search_words", "word, kind").await?;
    for word in words.difference(&known) {
        rows.add(&format!("{word}\t{kind}")).await?;
    }
    rows.finish().await.map(drop)
}
