//! How often an account or an address may try, counted in the database: the same over all instances.
//!
//! An attempt is counted before it is made, so that a thousand at once are a thousand, and given back when it was no
//! abuse after all. Counts of several buckets are taken in one statement, in the order of their keys.

mod store;

use std::net::{IpAddr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::error::{AppError, AppResult, UserError, UserErrorCode};

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

/// Counts an attempt, and says how many that makes in each bucket, in their order.
///
/// # Errors
/// `RATE_LIMITED` when any of the buckets was used up.
pub async fn spend(conn: &AsyncPgConnection, buckets: &[Bucket], now: DateTime<Utc>) -> AppResult<Vec<u32>> {
    if buckets.is_empty() {
        return Ok(Vec::new());
    }
    let ends: Vec<DateTime<Utc>> = buckets.iter().map(|bucket| now + bucket.window).collect();
    let counts = store::spend(conn, &keys(buckets), &ends, now).await?;
    let over = |(key, used, _): &&(Vec<u8>, i32, DateTime<Utc>)| {
        buckets.iter().any(|bucket| bucket.key == *key && i64::from(*used) > i64::from(bucket.most))
    };
    if let Some(ends_at) = counts.iter().filter(over).map(|count| count.2).max() {
        return Err(limited((ends_at - now).num_seconds() + 1).into());
    }
    let used = |bucket: &Bucket| counts.iter().find(|count| count.0 == bucket.key).map_or(0, |count| count.1);
    Ok(buckets.iter().map(|bucket| u32::try_from(used(bucket)).unwrap_or(0)).collect())
}

/// Counts an attempt that costs nothing when it is refused: who asks too soon does not have to wait the longer for it.
///
/// # Errors
/// `RATE_LIMITED` when any of the buckets was used up.
pub async fn spend_if_allowed(conn: &AsyncPgConnection, buckets: &[Bucket], now: DateTime<Utc>) -> AppResult<()> {
    let spent = spend(conn, buckets, now).await;
    if let Err(AppError::User(_)) = &spent {
        refund(conn, buckets).await?;
    }
    spent.map(drop)
}

fn keys(buckets: &[Bucket]) -> Vec<&[u8]> {
    buckets.iter().map(|bucket| bucket.key.as_slice()).collect()
}

fn limited(seconds: i64) -> UserError {
    let seconds = u32::try_from(seconds).unwrap_or(1).max(1);
    let message = format!("Too many attempts: try again in {seconds} s.");
    UserError { retry_after_seconds: Some(seconds), ..UserError::new(UserErrorCode::RateLimited, message, "") }
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

/// Deletes counts whose time is over.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App) -> AppResult<usize> {
    let conn = app.database.get().await?;
    Ok(store::delete_ended(&conn, app.clock.now()).await?)
}

/// The address that is counted: whoever has one address of the newer kind has 2^64 of them.
#[must_use]
pub fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_one_network_are_one() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8::1"));
        assert_ne!(of("1.2.3.4"), of("1.2.3.5"));
    }
}
