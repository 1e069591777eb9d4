//! Large data to measure with: the same numbers make the same rows, through COPY.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Transaction;

use super::store::{self, Painted, Present, TABLES};
use super::words::{self, Text, Words};
use super::{demo, money};
use crate::app::App;
use crate::domains::search::words::{Document, Field, VERSION};
use crate::error::{AppError, AppResult};
use crate::ids::{SessionId, UserId};

/// How much of each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Amounts {
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
}

/// When the first of everything happened: 2026-01-01.
pub(super) const BEGINNING: i64 = 1_767_225_600;

/// Kinds of things.
const CATEGORIES: i64 = 40;

/// Of so many items one is liked by many.
const POPULAR: i64 = 100;

/// The motifs of the pictures that items share.
const MOTIFS: [&str; 12] =
    ["phone", "laptop", "book", "ball", "chair", "lamp", "shoe", "bicycle", "guitar", "headphones", "camera", "bag"];

pub(super) fn at(seconds: i64) -> String {
    let at = DateTime::<Utc>::from_timestamp(BEGINNING, 0).unwrap_or_default() + TimeDelta::seconds(seconds);
    at.to_rfc3339()
}

/// Adds large data beside what is there.
///
/// # Errors
/// Bad input for numbers that don't go together; when the database or the storage fails.
pub async fn add(app: &Arc<App>, amounts: Amounts) -> AppResult<()> {
    check(&amounts)?;
    let mut client = store::connect(app.database.listen_url()).await?;
    let transaction = client.transaction().await.map_err(AppError::internal)?;
    let present = store::hold(&transaction).await?;
    let first = key(&present, "users") + 1;
    add_people(&transaction, &present, amounts.users).await?;
    store::release(&transaction).await?;
    transaction.commit().await.map_err(AppError::internal)?;
    if amounts.items > 0 || amounts.orders > 0 {
        paint(app, UserId(first)).await?;
    }
    let transaction = client.transaction().await.map_err(AppError::internal)?;
    let present = store::hold(&transaction).await?;
    let painted = store::list_painted(&transaction, first).await?;
    let filling = Filling { transaction: &transaction, present: &present, amounts, first };
    filling.add_items(&painted).await?;
    filling.add_conversations().await?;
    money::add(&transaction, &present, amounts, first).await?;
    store::count_files(&transaction).await?;
    store::release(&transaction).await?;
    transaction.commit().await.map_err(AppError::internal)?;
    store::analyze(&client).await?;
    tracing::info!(?amounts, "added large data");
    Ok(())
}

fn check(amounts: &Amounts) -> AppResult<()> {
    let Amounts { users, items, favorites, conversations, messages, tasks, orders, tickets } = *amounts;
    let all = [items, favorites, conversations, messages, tasks, orders, tickets];
    let refuse = |message: &str| Err(AppError::bad_input(message));
    if users < 2 || all.iter().any(|amount| *amount < 0) {
        return refuse("Give at least 2 --users, and no negative numbers.");
    }
    if favorites > users.saturating_mul(items / 2) {
        return refuse("So few people can't have so many --favorites of so few --items.");
    }
    if conversations > users * (users - 1) / 8 || (messages > 0 && conversations == 0) {
        return refuse("Give --messages some --conversations, and not more of them than people can have.");
    }
    Ok(())
}

pub(super) fn key(present: &Present, table: &str) -> i64 {
    TABLES.iter().zip(&present.keys).find(|(name, _)| **name == table).map_or(0, |(_, key)| *key)
}

async fn paint(app: &Arc<App>, owner: UserId) -> AppResult<()> {
    let (token, _) = app.tokens.issue(owner, SessionId(1), app.clock.now())?;
    let scope = demo::speaking_for(app, app.tokens.verify(&token, app.clock.now())?);
    for (motif, seed) in MOTIFS.into_iter().zip(1..) {
        demo::upload(&scope, motif, seed).await?;
    }
    Ok(())
}

/// Writes what search knows of something.
pub(super) fn entry(kind: &str, id: i64, boost: f32, document: &Document) -> String {
    format!("{kind}\t{id}\t{VERSION}\t{boost}\t{}", document.tsvector())
}

pub(super) const ENTRIES: (&str, &str) = ("search_entries", "kind, subject_id, version, boost, words");

async fn add_people(transaction: &Transaction<'_>, present: &Present, users: i64) -> AppResult<()> {
    let first = key(present, "users") + 1;
    let name = |n: i64| (format!("user{}", first + n), words::name_of(n));
    let columns = "id, account_number, username, username_key, nickname, created_at, updated_at";
    let mut rows = store::copy(transaction, "users", columns).await?;
    for n in 0..users {
        let ((username, nickname), number) = (name(n), i64::from(present.account_number) + 1 + n);
        let at = at(n);
        rows.add(&format!("{}\t{number}\t{username}\t{username}\t{nickname}\t{at}\t{at}", first + n)).await?;
    }
    rows.finish().await?;
    let mut rows = store::copy(transaction, "profiles", "user_id").await?;
    for n in 0..users {
        rows.add(&(first + n).to_string()).await?;
    }
    rows.finish().await?;
    let mut rows = store::copy(transaction, ENTRIES.0, ENTRIES.1).await?;
    let mut spelled = BTreeSet::new();
    for n in 0..users {
        let ((username, nickname), number) = (name(n), (i64::from(present.account_number) + 1 + n).to_string());
        let document = Document::new(&[&nickname, &username, &number].map(|text| (text.as_str(), Field::Title)));
        spelled.extend(document.spelled().map(ToOwned::to_owned));
        rows.add(&entry("USER", first + n, 1.0, &document)).await?;
    }
    rows.finish().await?;
    add_words(transaction, "USER", &spelled).await
}

pub(super) async fn add_words(transaction: &Transaction<'_>, kind: &str, words: &BTreeSet<String>) -> AppResult<()> {
    let known = store::list_words(transaction, kind).await?;
    let mut rows = store::copy(transaction, "search_words", "word, kind").await?;
    for word in words.difference(&known) {
        rows.add(&format!("{word}\t{kind}")).await?;
    }
    rows.finish().await.map(drop)
}

struct Filling<'a> {
    transaction: &'a Transaction<'a>,
    present: &'a Present,
    amounts: Amounts,
    first: i64,
}

/// What became of an item, by its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Closed,
    Traded,
    Deleted,
}

fn fate(n: i64) -> Fate {
    match n % 20 {
        3 => Fate::Deleted,
        7 | 11 => Fate::Closed,
        15 => Fate::Traded,
        _ => Fate::Open,
    }
}

impl Filling<'_> {
    fn key(&self, table: &str) -> i64 {
        key(self.present, table)
    }

    fn owner(&self, n: i64) -> i64 {
        self.first + n % self.amounts.users
    }

    async fn add_items(&self, painted: &[Painted]) -> AppResult<()> {
        let Amounts { items, users, .. } = self.amounts;
        let (first, first_media) = (self.key("items") + 1, self.key("media") + 1);
        if items == 0 || painted.is_empty() {
            return Ok(());
        }
        let columns = "id, owner_id, blob_id, thumbnail_id, width, height, file_name, created_at";
        let mut rows = store::copy(self.transaction, "media", columns).await?;
        for (n, picture) in (0..items).zip(painted.iter().cycle()) {
            let Painted { blob, thumbnail, width, height, .. } = picture;
            let thumbnail = thumbnail.map_or_else(|| "\\N".to_owned(), |id| id.to_string());
            let (id, owner, at) = (first_media + n, self.owner(n), at(60 * n));
            rows.add(&format!("{id}\t{owner}\t{blob}\t{thumbnail}\t{width}\t{height}\tpicture.png\t{at}")).await?;
        }
        rows.finish().await?;
        let counts = self.likes();
        let columns = "id, owner_id, title, category, price, condition, note, direction, status, counterparty_id, \
                       favorite_count, closed_at, created_at, updated_at";
        let mut rows = store::copy(self.transaction, "items", columns).await?;
        for n in 0..items {
            let Text { title, note, noise } = Words::new(n).text();
            let (status, counterparty, closed) = match fate(n) {
                Fate::Open => ("OPEN", None, false),
                Fate::Closed => ("CLOSED", None, true),
                Fate::Traded => ("CLOSED", Some(self.first + (n + 1) % users), true),
                Fate::Deleted => ("DELETED", None, false),
            };
            let counterparty = counterparty.map_or_else(|| "\\N".to_owned(), |id| id.to_string());
            let at = at(60 * n);
            let closed = if closed { at.as_str() } else { "\\N" };
            let (price, condition) = (100 * (noise % 3000) + 990, noise % 101);
            let direction = if noise % 8 == 0 { "WANT" } else { "SELL" };
            let (id, owner, category) = (first + n, self.owner(n), noise % CATEGORIES);
            let likes = counts.get(&n).copied().unwrap_or_default();
            rows.add(&format!(
                "{id}\t{owner}\t{title}\t{category}\t{price}\t{condition}\t{note}\t{direction}\t{status}\t{counterparty}\t\
                 {likes}\t{closed}\t{at}\t{at}"
            ))
            .await?;
        }
        rows.finish().await?;
        let mut rows = store::copy(self.transaction, "item_images", "item_id, position, media_id").await?;
        for n in 0..items {
            rows.add(&format!("{}\t0\t{}", first + n, first_media + n)).await?;
        }
        rows.finish().await?;
        self.add_entries(first).await?;
        self.add_favorites(first).await
    }

    async fn add_entries(&self, first: i64) -> AppResult<()> {
        let mut rows = store::copy(self.transaction, ENTRIES.0, ENTRIES.1).await?;
        let mut spelled = BTreeSet::new();
        for n in (0..self.amounts.items).filter(|n| fate(*n) != Fate::Deleted) {
            let Text { title, note, .. } = Words::new(n).text();
            let document = Document::new(&[(&title, Field::Title), (&note, Field::Text)]);
            spelled.extend(document.spelled().map(ToOwned::to_owned));
            let boost = if fate(n) == Fate::Open { 1.0 } else { 0.5 };
            rows.add(&entry("ITEM", first + n, boost, &document)).await?;
        }
        rows.finish().await?;
        add_words(self.transaction, "ITEM", &spelled).await
    }

    /// Who likes what, as numbers of people and items; no pair twice. Every other like of a person goes to one of the
    /// popular items.
    fn favorites(&self) -> impl Iterator<Item = (i64, i64)> {
        let Amounts { users, items, favorites, .. } = self.amounts;
        let popular = items / POPULAR;
        (0..favorites).map(move |n| {
            let (user, turn) = (n % users, n / users);
            if turn % 2 == 0 && turn / 2 < popular {
                return (user, (user * 13 + turn / 2) % popular * POPULAR);
            }
            // One after the other, from a place of their own on, without the popular ones.
            let others = (items - popular).max(1);
            let place = (user * 7919 + turn) % others;
            (user, if popular == 0 { place } else { place / (POPULAR - 1) * POPULAR + place % (POPULAR - 1) + 1 })
        })
    }

    fn likes(&self) -> BTreeMap<i64, i64> {
        let mut likes = BTreeMap::new();
        for (_, item) in self.favorites().filter(|(_, item)| *item < self.amounts.items) {
            *likes.entry(item).or_default() += 1;
        }
        likes
    }

    async fn add_favorites(&self, first_item: i64) -> AppResult<()> {
        let first = self.key("favorites") + 1;
        let mut rows = store::copy(self.transaction, "favorites", "id, user_id, item_id, created_at").await?;
        let within = self.favorites().filter(|(_, item)| *item < self.amounts.items);
        for (n, (user, item)) in (0..).zip(within) {
            rows.add(&format!("{}\t{}\t{}\t{}", first + n, self.first + user, first_item + item, at(n))).await?;
        }
        rows.finish().await.map(drop)
    }

    /// The two people of a conversation: a tenth of all talk to many.
    fn pair(&self, n: i64) -> (i64, i64) {
        let users = self.amounts.users;
        let busy = (users / 10).max(users.min(4)).max(1);
        let (one, step) = (n % busy, n / busy + 1);
        let (one, other) = (self.first + one, self.first + (one + step) % users);
        (one.min(other), one.max(other))
    }

    async fn add_conversations(&self) -> AppResult<()> {
        let Amounts { conversations, messages, .. } = self.amounts;
        let first = self.key("conversations") + 1;
        let each = if conversations == 0 { 0 } else { messages / conversations };
        let columns = "id, kind, low_user_id, high_user_id, last_seq, version, last_activity_at, created_at";
        let mut rows = store::copy(self.transaction, "conversations", columns).await?;
        for n in 0..conversations {
            let ((low, high), id) = (self.pair(n), first + n);
            rows.add(&format!("{id}\tDIRECT\t{low}\t{high}\t{each}\t{each}\t{}\t{}", at(n + 60 * each), at(n))).await?;
        }
        rows.finish().await?;
        let columns = "conversation_id, user_id, read_seq, delivered_seq";
        let mut rows = store::copy(self.transaction, "members", columns).await?;
        for n in 0..conversations {
            let (low, high) = self.pair(n);
            for user in BTreeSet::from([low, high]) {
                rows.add(&format!("{}\t{user}\t{each}\t{each}", first + n)).await?;
            }
        }
        rows.finish().await?;
        let columns = "id, conversation_id, seq, sender_id, type, content, is_private, created_at, updated_at";
        let mut rows = store::copy(self.transaction, "messages", columns).await?;
        let first_message = self.key("messages") + 1;
        // As they came: in all conversations at once.
        for turn in 0..each {
            for n in 0..conversations {
                let (low, high) = self.pair(n);
                let sender = if (turn + n) % 3 == 0 { high } else { low };
                let (id, at) = (first_message + turn * conversations + n, at(n + 60 * turn));
                let text = Words::new(id).text().title;
                let content = format!("{{\"type\": \"TEXT\", \"text\": \"{text}\"}}");
                rows.add(&format!("{id}\t{}\t{}\t{sender}\tTEXT\t{content}\tf\t{at}\t{at}", first + n, turn + 1))
                    .await?;
            }
        }
        rows.finish().await.map(drop)
    }
}
