//! Deterministic bulk data for benchmarks, loaded through COPY.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio_postgres::Transaction;

pub use super::bulk::SeedCounts;
use super::bulk::{ENTRIES, add_words, at, entry, key};
use super::store::{self, ExistingCounts, SharedPicture};
use super::upload::{scope_for, upload};
use super::words::{self, RandomText, RandomWords};
use super::{friendships, memberships, money, positions};
use crate::app::App;
use crate::domains::friends::policy::FRIEND_LIMIT;
use crate::domains::search::words::{Field, SearchDocument};
use crate::error::{AppError, AppResult};
use crate::ids::{SessionId, UserId};

/// Kinds of things.
const CATEGORIES: i64 = 40;

/// One in this many items is popular.
const POPULAR: i64 = 100;

/// Subjects of the shared pictures.
const SUBJECTS: [&str; 12] =
    ["phone", "laptop", "book", "ball", "chair", "lamp", "shoe", "bicycle", "guitar", "headphones", "camera", "bag"];

/// Adds bulk data to any database.
///
/// # Errors
/// Bad input for numbers that don't go together; when the database or the storage fails.
pub async fn add(app: &Arc<App>, counts: SeedCounts) -> AppResult<()> {
    check(&counts)?;
    let mut client = store::connect(app.database.listen_url()).await?;
    let transaction = client.transaction().await.map_err(AppError::internal)?;
    let existing = store::hold(&transaction).await?;
    let first = key(&existing, "users") + 1;
    add_people(&transaction, &existing, counts.users).await?;
    store::release(&transaction).await?;
    transaction.commit().await.map_err(AppError::internal)?;
    if counts.items > 0 || counts.orders > 0 {
        paint(app, UserId(first)).await?;
    }
    let transaction = client.transaction().await.map_err(AppError::internal)?;
    let existing = store::hold(&transaction).await?;
    let pictures = store::list_shared_pictures(&transaction, first).await?;
    let filling = BulkInsert { transaction: &transaction, existing: &existing, counts, first };
    filling.add_items(&pictures).await?;
    filling.add_conversations().await?;
    friendships::add(&transaction, &existing, counts, first).await?;
    positions::add(&transaction, counts.positions, first, app.clock.now()).await?;
    memberships::add(&transaction, &existing, counts, first).await?;
    money::add(&transaction, &existing, counts, first).await?;
    store::count_files(&transaction).await?;
    store::release(&transaction).await?;
    transaction.commit().await.map_err(AppError::internal)?;
    store::analyze(&client).await?;
    tracing::info!(?counts, "added large data");
    Ok(())
}

fn check(counts: &SeedCounts) -> AppResult<()> {
    let SeedCounts {
        users,
        items,
        favorites,
        conversations,
        messages,
        tasks,
        orders,
        tickets,
        friendships,
        positions,
        groups,
    } = *counts;
    let all = [items, favorites, conversations, messages, tasks, orders, tickets, friendships, positions, groups];
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
    if friendships > users * (users - 1) / 8 || friendships / users * 2 >= i64::from(FRIEND_LIMIT) - 1 {
        return refuse("So few people can't have so many --friendships.");
    }
    if positions > users {
        return refuse("Give no more --positions than --users.");
    }
    Ok(())
}

async fn paint(app: &Arc<App>, owner: UserId) -> AppResult<()> {
    let (token, _) = app.tokens.issue(owner, SessionId(1), app.clock.now())?;
    let scope = scope_for(app, app.tokens.verify(&token, app.clock.now())?);
    for (subject, seed) in SUBJECTS.into_iter().zip(1..) {
        upload(&scope, subject, seed).await?;
    }
    Ok(())
}

async fn add_people(transaction: &Transaction<'_>, existing: &ExistingCounts, users: i64) -> AppResult<()> {
    let first = key(existing, "users") + 1;
    let name = |n: i64| (format!("user{}", first + n), words::name_of(n));
    let columns = "id, account_number, username, username_key, nickname, created_at, updated_at";
    let mut rows = store::copy(transaction, "users", columns).await?;
    for n in 0..users {
        let ((username, nickname), number) = (name(n), i64::from(existing.account_number) + 1 + n);
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
        let ((username, nickname), number) = (name(n), (i64::from(existing.account_number) + 1 + n).to_string());
        let document = SearchDocument::new(&[&nickname, &username, &number].map(|text| (text.as_str(), Field::Title)));
        spelled.extend(document.spelled().map(ToOwned::to_owned));
        rows.add(&entry("USER", first + n, 1.0, &document)).await?;
    }
    rows.finish().await?;
    add_words(transaction, "USER", &spelled).await
}

struct BulkInsert<'a> {
    transaction: &'a Transaction<'a>,
    existing: &'a ExistingCounts,
    counts: SeedCounts,
    first: i64,
}

/// Outcome of an item, by its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ItemOutcome {
    Open,
    Closed,
    Traded,
    Deleted,
}

fn outcome(n: i64) -> ItemOutcome {
    match n % 20 {
        3 => ItemOutcome::Deleted,
        7 | 11 => ItemOutcome::Closed,
        15 => ItemOutcome::Traded,
        _ => ItemOutcome::Open,
    }
}

impl BulkInsert<'_> {
    fn key(&self, table: &str) -> i64 {
        key(self.existing, table)
    }

    fn owner(&self, n: i64) -> i64 {
        self.first + n % self.counts.users
    }

    async fn add_items(&self, pictures: &[SharedPicture]) -> AppResult<()> {
        let SeedCounts { items, users, .. } = self.counts;
        let (first, first_media) = (self.key("items") + 1, self.key("media") + 1);
        if items == 0 || pictures.is_empty() {
            return Ok(());
        }
        let columns = "id, owner_id, blob_id, thumbnail_id, width, height, file_name, created_at";
        let mut rows = store::copy(self.transaction, "media", columns).await?;
        for (n, picture) in (0..items).zip(pictures.iter().cycle()) {
            let SharedPicture { blob, thumbnail, width, height, .. } = picture;
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
            let RandomText { title, note, noise } = RandomWords::new(n).text();
            let (status, counterparty, closed) = match outcome(n) {
                ItemOutcome::Open => ("OPEN", None, false),
                ItemOutcome::Closed => ("CLOSED", None, true),
                ItemOutcome::Traded => ("CLOSED", Some(self.first + (n + 1) % users), true),
                ItemOutcome::Deleted => ("DELETED", None, false),
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
        for n in (0..self.counts.items).filter(|n| outcome(*n) != ItemOutcome::Deleted) {
            let RandomText { title, note, .. } = RandomWords::new(n).text();
            let document = SearchDocument::new(&[(&title, Field::Title), (&note, Field::Text)]);
            spelled.extend(document.spelled().map(ToOwned::to_owned));
            let boost = if outcome(n) == ItemOutcome::Open { 1.0 } else { 0.5 };
            rows.add(&entry("ITEM", first + n, boost, &document)).await?;
        }
        rows.finish().await?;
        add_words(self.transaction, "ITEM", &spelled).await
    }

    /// Who likes what, as numbers of people and items; no pair twice. Every other like of a person goes to one of the
    /// popular items.
    fn favorites(&self) -> impl Iterator<Item = (i64, i64)> {
        let SeedCounts { users, items, favorites, .. } = self.counts;
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
        for (_, item) in self.favorites().filter(|(_, item)| *item < self.counts.items) {
            *likes.entry(item).or_default() += 1;
        }
        likes
    }

    async fn add_favorites(&self, first_item: i64) -> AppResult<()> {
        let first = self.key("favorites") + 1;
        let mut rows = store::copy(self.transaction, "favorites", "id, user_id, item_id, created_at").await?;
        let within = self.favorites().filter(|(_, item)| *item < self.counts.items);
        for (n, (user, item)) in (0..).zip(within) {
            rows.add(&format!("{}\t{}\t{}\t{}", first + n, self.first + user, first_item + item, at(n))).await?;
        }
        rows.finish().await.map(drop)
    }

    /// The two people of a conversation: a tenth of all talk to many.
    fn pair(&self, n: i64) -> (i64, i64) {
        let users = self.counts.users;
        let busy = (users / 10).max(users.min(4)).max(1);
        let (one, step) = (n % busy, n / busy + 1);
        let (one, other) = (self.first + one, self.first + (one + step) % users);
        (one.min(other), one.max(other))
    }

    async fn add_conversations(&self) -> AppResult<()> {
        let SeedCounts { conversations, messages, .. } = self.counts;
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
                let text = RandomWords::new(id).text().title;
                let content = format!("{{\"type\": \"TEXT\", \"text\": \"{text}\"}}");
                rows.add(&format!("{id}\t{}\t{}\t{sender}\tTEXT\t{content}\tf\t{at}\t{at}", first + n, turn + 1))
                    .await?;
            }
        }
        rows.finish().await.map(drop)
    }
}
