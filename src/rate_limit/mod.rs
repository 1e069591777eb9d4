//! Rate limits in the database, shared by all instances: fixed windows per account and address.
//!
//! An attempt is counted before it runs, so that concurrent attempts are counted, and refunded if legitimate. Several
//! buckets are consumed in one statement, all or none. Every statement locks them in the order of their keys, so that none
//! waits for another one that waits for it.

mod store;

use std::net::{IpAddr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;
use sha2::{Digest, Sha256};

use crate::auth::Requester;
use crate::config::Rate;
use crate::db::Database;
use crate::error::{AppError, AppResult, Detail, UserError, UserErrorCode};
use store::BucketCount;

/// Bits of an IPv6 address below the /56 of a customer.
const SITE_BITS: u32 = 128 - 56;

/// How often buckets that are missing are inserted: a sweep may take them again.
const TRY_LIMIT: usize = 16;

/// A limit within a time window.
#[derive(Clone, Debug)]
pub struct Bucket {
    key: Vec<u8>,
    most: u32,
    window: TimeDelta,
}

impl Bucket {
    /// `most` attempts of `what` per `subject` within a window.
    #[must_use]
    pub fn new(what: &str, subject: &str, most: u32, window: TimeDelta) -> Self {
        Self { key: Sha256::digest(format!("{what}\n{subject}")).to_vec(), most, window }
    }
}

/// Whether a limit applies: to local programs only if set explicitly.
#[must_use]
pub fn applies(requester: &Requester, rate: Rate) -> bool {
    rate.explicit || !requester.is_local
}

/// The viewer's bucket; none if the limit does not apply.
///
/// # Errors
/// Unauthenticated without a token.
pub fn viewer_buckets(requester: &Requester, what: &str, rate: Rate, window: TimeDelta) -> AppResult<Vec<Bucket>> {
    let viewer = requester.require_viewer()?.user_id;
    Ok(applies(requester, rate)
        .then(|| Bucket::new(what, &viewer.0.to_string(), rate.most, window))
        .into_iter()
        .collect())
}

/// Counts an attempt in all buckets; returns their counts in order. If any bucket is exhausted, none is counted: rejected
/// attempts consume nothing and do not extend the wait.
///
/// # Errors
/// `RATE_LIMITED` if a bucket is exhausted.
pub async fn consume(conn: &AsyncPgConnection, buckets: &[Bucket], now: DateTime<Utc>) -> AppResult<Vec<u32>> {
    if buckets.is_empty() {
        return Ok(Vec::new());
    }
    let ends: Vec<DateTime<Utc>> = buckets.iter().map(|bucket| now + bucket.window).collect();
    let most: Vec<i32> = buckets.iter().map(|bucket| i32::try_from(bucket.most).unwrap_or(i32::MAX)).collect();
    let counts = count(conn, &keys(buckets), &most, &ends, now).await?;
    let count_of = |bucket: &Bucket| counts.iter().find(|count| count.0 == bucket.key);
    let over = |(bucket, most): (&Bucket, &i32)| {
        let (_, used, ends_at, counted) = count_of(bucket)?;
        (used + i32::from(!counted) > *most && *ends_at > now).then_some(*ends_at)
    };
    let Some(ends_at) = buckets.iter().zip(&most).filter_map(over).max() else {
        let used = |bucket: &Bucket| count_of(bucket).map_or(0, |count| count.1);
        return Ok(buckets.iter().map(|bucket| u32::try_from(used(bucket)).unwrap_or(0)).collect());
    };
    // Concurrent first attempts: without rows to lock, some exceeded the limit.
    if counts.iter().any(|count| count.3) {
        refund(conn, buckets).await?;
    }
    Err(rate_limited((ends_at - now).num_seconds() + 1).into())
}

/// Counts an attempt, where some buckets are missing once they were inserted.
async fn count(
    conn: &AsyncPgConnection,
    keys: &[&[u8]],
    most: &[i32],
    ends: &[DateTime<Utc>],
    now: DateTime<Utc>,
) -> AppResult<Vec<BucketCount>> {
    for _ in 0..TRY_LIMIT {
        let counts = store::consume(conn, keys, most, ends, now).await?;
        if !counts.is_empty() {
            return Ok(counts);
        }
        store::insert_missing(conn, keys, ends).await?;
    }
    Err(AppError::overloaded())
}

/// As [`consume`]; false if a bucket is exhausted.
pub async fn try_consume(conn: &AsyncPgConnection, buckets: &[Bucket], now: DateTime<Utc>) -> AppResult<bool> {
    match consume(conn, buckets, now).await {
        Ok(_) => Ok(true),
        Err(AppError::User(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn keys(buckets: &[Bucket]) -> Vec<&[u8]> {
    buckets.iter().map(|bucket| bucket.key.as_slice()).collect()
}

/// That there were too many attempts, until so many seconds are over.
#[must_use]
pub fn rate_limited(seconds: i64) -> UserError {
    let seconds = u32::try_from(seconds).unwrap_or(1).max(1);
    let message = format!("Too many attempts: try again in {seconds} s.");
    UserError { detail: Some(Detail::RetryAfter(seconds)), ..UserError::new(UserErrorCode::RateLimited, message, "") }
}

/// Refunds an attempt.
pub async fn refund(conn: &AsyncPgConnection, buckets: &[Bucket]) -> AppResult<()> {
    if !buckets.is_empty() {
        store::refund(conn, &keys(buckets)).await?;
    }
    Ok(())
}

/// Resets buckets.
pub async fn clear(conn: &AsyncPgConnection, buckets: &[Bucket]) -> AppResult<()> {
    if !buckets.is_empty() {
        store::delete(conn, &keys(buckets)).await?;
    }
    Ok(())
}

/// Deletes counts of ended windows; returns how many.
pub async fn delete_expired(database: &Database, now: DateTime<Utc>) -> AppResult<usize> {
    Ok(store::delete_expired(&*database.get().await?, now).await?)
}

/// The network that is counted: an IPv4 address, or the /56 of an IPv6 address, which a provider assigns to a customer.
#[must_use]
pub fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << SITE_BITS))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_one_network_are_one() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_eq!(of("2001:db8:0:ff::1"), of("2001:db8::1"));
        assert_ne!(of("2001:db8:0:100::1"), of("2001:db8::1"));
        assert_ne!(of("1.2.3.4"), of("1.2.3.5"));
    }
}
