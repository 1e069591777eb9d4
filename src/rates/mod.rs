//! How often an account or an address may try, counted in the database: the same over all instances.
//!
//! An attempt is counted before it is made, so that a thousand at once are a thousand, and given back when it was no
//! abuse after all. Counts of several buckets are taken in one statement, in the order of their keys, all or none.

mod store;

use std::net::{IpAddr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;
use sha2::{Digest, Sha256};

use crate::auth::Requester;
use crate::config::Rate;
use crate::db::Database;
use crate::error::{AppError, AppResult, Detail, UserError, UserErrorCode};

/// The bits of an IPv6 address that a customer fills in: a provider gives a /56.
const CUSTOMER_BITS: u32 = 128 - 56;

/// How often something may be tried within a time.
#[derive(Clone, Debug)]
pub struct Bucket {
    key: Vec<u8>,
    most: u32,
    window: TimeDelta,
}

impl Bucket {
    /// `most` tries of something, by or for somebody, within a time.
    #[must_use]
    pub fn new(what: &str, whom: &str, most: u32, window: TimeDelta) -> Self {
        Self { key: Sha256::digest(format!("{what}\n{whom}")).to_vec(), most, window }
    }
}

/// Whether a limit holds for whoever asks: for programs of this machine only where the setting was set.
#[must_use]
pub fn counts(requester: &Requester, rate: Rate) -> bool {
    rate.explicit || !requester.is_local
}

/// The bucket of what the viewer may do so often within a time; none where that is not counted: for programs of this machine,
/// unless the setting was set.
///
/// # Errors
/// Unauthenticated without a token.
pub fn of_viewer(requester: &Requester, what: &str, rate: Rate, window: TimeDelta) -> AppResult<Vec<Bucket>> {
    let viewer = requester.require_viewer()?.user_id;
    Ok(counts(requester, rate)
        .then(|| Bucket::new(what, &viewer.0.to_string(), rate.most, window))
        .into_iter()
        .collect())
}

/// Counts an attempt, and says how many that makes in each bucket, in their order. An attempt that any of the buckets
/// refuses is counted in none: asking too often uses up nothing of other users, and makes the wait no longer.
///
/// # Errors
/// `RATE_LIMITED` when any of the buckets was used up.
pub async fn spend(conn: &AsyncPgConnection, buckets: &[Bucket], now: DateTime<Utc>) -> AppResult<Vec<u32>> {
    if buckets.is_empty() {
        return Ok(Vec::new());
    }
    let ends: Vec<DateTime<Utc>> = buckets.iter().map(|bucket| now + bucket.window).collect();
    let most: Vec<i32> = buckets.iter().map(|bucket| i32::try_from(bucket.most).unwrap_or(i32::MAX)).collect();
    let counts = store::spend(conn, (&keys(buckets), &most), &ends, now).await?;
    let count_of = |bucket: &Bucket| counts.iter().find(|count| count.0 == bucket.key);
    let over = |(bucket, most): (&Bucket, &i32)| {
        let (_, used, ends_at, counted) = count_of(bucket)?;
        (used + i32::from(!counted) > *most && *ends_at > now).then_some(*ends_at)
    };
    let Some(ends_at) = buckets.iter().zip(&most).filter_map(over).max() else {
        let used = |bucket: &Bucket| count_of(bucket).map_or(0, |count| count.1);
        return Ok(buckets.iter().map(|bucket| u32::try_from(used(bucket)).unwrap_or(0)).collect());
    };
    // Several came first at once: nothing was there to be held, and some were one too many.
    if counts.iter().any(|count| count.3) {
        refund(conn, buckets).await?;
    }
    Err(limited((ends_at - now).num_seconds() + 1).into())
}

/// As [`spend`], where a bucket that was used up is no error: false then.
///
/// # Errors
/// When the database fails.
pub async fn has_room(conn: &AsyncPgConnection, buckets: &[Bucket], now: DateTime<Utc>) -> AppResult<bool> {
    match spend(conn, buckets, now).await {
        Ok(_) => Ok(true),
        Err(AppError::User(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn keys(buckets: &[Bucket]) -> Vec<&[u8]> {
    buckets.iter().map(|bucket| bucket.key.as_slice()).collect()
}

fn limited(seconds: i64) -> UserError {
    let seconds = u32::try_from(seconds).unwrap_or(1).max(1);
    let message = format!("Too many attempts: try again in {seconds} s.");
    UserError { detail: Some(Detail::RetryAfter(seconds)), ..UserError::new(UserErrorCode::RateLimited, message, "") }
}

/// Gives an attempt back.
///
/// # Errors
/// When the database fails.
pub async fn refund(conn: &AsyncPgConnection, buckets: &[Bucket]) -> AppResult<()> {
    if !buckets.is_empty() {
        store::refund(conn, &keys(buckets)).await?;
    }
    Ok(())
}

/// Forgets all attempts in some buckets.
///
/// # Errors
/// When the database fails.
pub async fn clear(conn: &AsyncPgConnection, buckets: &[Bucket]) -> AppResult<()> {
    if !buckets.is_empty() {
        store::delete(conn, &keys(buckets)).await?;
    }
    Ok(())
}

/// Deletes counts whose time is over.
///
/// # Errors
/// When the database fails.
pub async fn delete_ended(database: &Database, now: DateTime<Utc>) -> AppResult<usize> {
    Ok(store::delete_ended(&*database.get().await?, now).await?)
}

/// The address that is counted: of IPv6, the network that a provider gives to one customer, mostly a /56.
#[must_use]
pub fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << CUSTOMER_BITS))),
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
