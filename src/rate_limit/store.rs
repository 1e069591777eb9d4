//! All SQL of the counts.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Bool, Integer, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::rate_counts;
use crate::db::statement;

statement! {
    /// Increments all buckets if none is exhausted; an ended window restarts. Returns the new counts, or the current ones
    /// with false.
    struct Consume<'a> { keys: &'a [&'a [u8]], most: &'a [i32], ends: &'a [DateTime<Utc>], now: DateTime<Utc> }
        -> (Binary, Integer, Timestamptz, Bool)
    |this| "with wanted as (select key, most, ends_at from unnest(" [Array<Binary>: this.keys] ", " [Array<Integer>: this.most]
    ", " [Array<Timestamptz>: this.ends] ") as wanted (key, most, ends_at)),
    held as (select key, used, ends_at from rate_counts where key = any(" [Array<Binary>: this.keys] ") order by key for update),
    refused as (select exists (select from held join wanted using (key)
        where held.ends_at > " [Timestamptz: &this.now] " and held.used >= wanted.most) as yes),
    counted as (insert into rate_counts as old (key, used, ends_at)
        select key, 1, ends_at from wanted, refused where not refused.yes order by key
        on conflict (key) do update set
            used = case when old.ends_at <= " [Timestamptz: &this.now] " then 1 else least(old.used + 1, 1000000) end,
            ends_at = case when old.ends_at <= " [Timestamptz: &this.now] " then excluded.ends_at else old.ends_at end
        returning key, used, ends_at)
    select key, used, ends_at, true from counted union all select key, used, ends_at, false from held, refused where refused.yes"
}

/// Key, count, end of the window, and whether this attempt was counted.
pub type BucketCount = (Vec<u8>, i32, DateTime<Utc>, bool);

/// Increments all buckets or none; see [`Consume`].
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

/// Deletes counts by key.
pub async fn delete(mut conn: &AsyncPgConnection, keys: &[&[u8]]) -> QueryResult<usize> {
    diesel::delete(rate_counts::table.filter(rate_counts::key.eq_any(keys))).execute(&mut conn).await
}

/// Deletes counts of ended windows.
pub async fn delete_expired(mut conn: &AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(rate_counts::table.filter(rate_counts::ends_at.le(now))).execute(&mut conn).await
}
