//! Generated friendships.

use std::collections::BTreeMap;

use tokio_postgres::Transaction;

use super::bulk::{SeedCounts, at, key};
use super::store::{self, ExistingCounts};
use super::words;
use crate::domains::friends::names::sort_key;
use crate::error::AppResult;

/// The two friends of a friendship, as numbers of people; no pair twice while there are at most a quarter of all pairs.
fn pair(n: i64, users: i64) -> (i64, i64) {
    let (one, other) = (n % users, (n % users + 1 + n / users) % users);
    (one.min(other), one.max(other))
}

/// Friendships of people from `first` on, spread evenly among them.
pub(super) async fn add(
    transaction: &Transaction<'_>,
    existing: &ExistingCounts,
    counts: SeedCounts,
    first: i64,
) -> AppResult<()> {
    let SeedCounts { users, friendships, .. } = counts;
    let mut friends: BTreeMap<i64, i64> = BTreeMap::new();
    let mut rows = store::copy(transaction, "relations", "low_user_id, high_user_id, friends_since").await?;
    for n in 0..friendships {
        let (low, high) = pair(n, users);
        for person in [low, high] {
            *friends.entry(person).or_default() += 1;
        }
        rows.add(&format!("{}\t{}\t{}", first + low, first + high, at(n))).await?;
    }
    rows.finish().await?;
    let columns = "id, owner_id, friend_id, sort_key, created_at";
    let mut rows = store::copy(transaction, "friendships", columns).await?;
    let mut id = key(existing, "friendships");
    for n in 0..friendships {
        let (low, high) = pair(n, users);
        for (owner, friend) in [(low, high), (high, low)] {
            id += 1;
            let name = sort_key(&words::name_of(friend));
            rows.add(&format!("{id}\t{}\t{}\t{name}\t{}", first + owner, first + friend, at(n))).await?;
        }
    }
    rows.finish().await?;
    let mut rows = store::copy(transaction, "friend_counts", "user_id, friends").await?;
    for (person, count) in friends {
        rows.add(&format!("{}\t{count}", first + person)).await?;
    }
    rows.finish().await.map(drop)
}
