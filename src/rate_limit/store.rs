//! All SQL of the counts.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::sql_types::{Array, Binary, Bool, Integer, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::statement;

statement! {
    /// Increments all buckets if none is exhausted; an ended window restarts. Returns the new counts, or the current ones
    /// with false.
    ///
    /// All lock the rows in the order of their keys, or two of them could wait for each other. A row that is missing can't be
    /// locked in its turn: where there are others, nothing is counted, and nothing returned. [`insert_missing`] is to follow.
    struct Consume<'a> { keys: &'a [&'a [u8]], most: &'a [i32], ends: &'a [DateTime<Utc>], now: DateTime<Utc> }
        -> (Binary, Integer, Timestamptz, Bool)
    |this| "with wanted as materialized (select key, most, ends_at from unnest(" [Array<Binary>: this.keys] ", " [Array<Integer>: this.most]
    ", " [Array<Timestamptz>: this.ends] ") as wanted (key, most, ends_at)),
    held as materialized (select key, used, ends_at from rate_counts where key = any(" [Array<Binary>: this.keys] ") order by key for update),
    state as materialized (select exists (select from held join wanted using (key)
        where held.ends_at > " [Timestamptz: &this.now] " and held.used >= wanted.most) as is_refused,
        (select count(*) from held) as held, (select count(*) from wanted) as wanted),
    started as (insert into rate_counts as old (key, used, ends_at)
        select key, 1, ends_at from wanted, state where state.held = 0 order by key
        on conflict (key) do update set
            used = case when old.ends_at <= " [Timestamptz: &this.now] " then 1 else least(old.used + 1, 1000000) end,
            ends_at = case when old.ends_at <= " [Timestamptz: &this.now] " then excluded.ends_at else old.ends_at end
        returning key, used, ends_at),
    counted as (update rate_counts as old set
            used = case when old.ends_at <= " [Timestamptz: &this.now] " then 1 else least(old.used + 1, 1000000) end,
            ends_at = case when old.ends_at <= " [Timestamptz: &this.now] " then wanted.ends_at else old.ends_at end
        from wanted, state where old.key = wanted.key and state.held = state.wanted and not state.is_refused
        returning old.key, old.used, old.ends_at)
    select key, used, ends_at, true from started union all select key, used, ends_at, true from counted
    union all select key, used, ends_at, false from held, state where state.is_refused"
}

statement! {
    /// Inserts the buckets that are missing, in the order of their keys.
    struct InsertMissing<'a> { keys: &'a [&'a [u8]], ends: &'a [DateTime<Utc>] } -> Integer
    |this| "insert into rate_counts (key, used, ends_at) select key, 0, ends_at from unnest(" [Array<Binary>: this.keys]
    ", " [Array<Timestamptz>: this.ends] ") as wanted (key, ends_at) order by key on conflict (key) do nothing"
}

/// Key, count, end of the window, and whether this attempt was counted.
pub type BucketCount = (Vec<u8>, i32, DateTime<Utc>, bool);

/// Inserts the buckets that are missing.
pub async fn insert_missing(
    mut conn: &AsyncPgConnection,
    keys: &[&[u8]],
    ends: &[DateTime<Utc>],
) -> QueryResult<usize> {
    InsertMissing { keys, ends }.execute(&mut conn).await
}

/// Increments all buckets or none; none are returned where some but not all are missing, and nothing is counted.
pub async fn consume(
    mut conn: &AsyncPgConnection,
    keys: &[&[u8]],
    most: &[i32],
    ends: &[DateTime<Utc>],
    now: DateTime<Utc>,
) -> QueryResult<Vec<BucketCount>> {
    Consume { keys, most, ends, now }.load(&mut conn).await
}

statement! {
    /// Decrements buckets, locked in key order.
    struct Refund<'a> { keys: &'a [&'a [u8]] } -> Integer
    |this| "with locked as (select key from rate_counts where key = any(" [Array<Binary>: this.keys] ") order by key for update)
    update rate_counts set used = greatest(used - 1, 0) from locked where rate_counts.key = locked.key"
}

/// Decrements buckets.
pub async fn refund(mut conn: &AsyncPgConnection, keys: &[&[u8]]) -> QueryResult<usize> {
    Refund { keys }.execute(&mut conn).await
}

statement! {
    /// Deletes buckets, locked in key order.
    struct Delete<'a> { keys: &'a [&'a [u8]] } -> Integer
    |this| "with locked as (select key from rate_counts where key = any(" [Array<Binary>: this.keys] ") order by key for update)
    delete from rate_counts using locked where rate_counts.key = locked.key"
}

/// Deletes counts by key.
pub async fn delete(mut conn: &AsyncPgConnection, keys: &[&[u8]]) -> QueryResult<usize> {
    Delete { keys }.execute(&mut conn).await
}

statement! {
    /// Deletes buckets of ended windows, but for those that are in use just now.
    struct DeleteExpired { now: DateTime<Utc> } -> Integer
    |this| "with locked as (select key from rate_counts where ends_at <= " [Timestamptz: &this.now] " for update skip locked)
    delete from rate_counts using locked where rate_counts.key = locked.key"
}

/// Deletes counts of ended windows.
pub async fn delete_expired(mut conn: &AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    DeleteExpired { now }.execute(&mut conn).await
}
