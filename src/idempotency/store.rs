//! All SQL of idempotency keys.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::idempotency_keys;
use crate::ids::UserId;

/// What is kept of a key: the hash of its arguments, and the id of what came of it.
pub type Kept = (Vec<u8>, Option<i64>);

/// What is kept of a key.
pub async fn find(mut conn: &AsyncPgConnection, user: UserId, operation: &str, key: &str) -> QueryResult<Option<Kept>> {
    let row = idempotency_keys::table.find((user, operation, key));
    let kept = row.select((idempotency_keys::input_hash, idempotency_keys::result_id));
    kept.first(&mut conn).await.optional()
}

/// Adds a key, unless it is there; waits for whoever adds it now.
pub async fn insert(
    mut conn: &AsyncPgConnection,
    (user, operation, key, input_hash): (UserId, &str, &str, &[u8]),
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let row = (
        idempotency_keys::user_id.eq(user),
        idempotency_keys::operation.eq(operation),
        idempotency_keys::key.eq(key),
        idempotency_keys::input_hash.eq(input_hash),
        idempotency_keys::created_at.eq(now),
    );
    let added = diesel::insert_into(idempotency_keys::table).values(row).on_conflict_do_nothing();
    Ok(added.execute(&mut conn).await? == 1)
}

/// Keeps what came of a key.
pub async fn update_result(
    mut conn: &AsyncPgConnection,
    user: UserId,
    operation: &str,
    key: &str,
    result: i64,
) -> QueryResult<usize> {
    let row = idempotency_keys::table.find((user, operation, key));
    diesel::update(row).set(idempotency_keys::result_id.eq(result)).execute(&mut conn).await
}

/// Deletes somebody's keys.
pub async fn delete_of(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<usize> {
    let keys = idempotency_keys::table.filter(idempotency_keys::user_id.eq(user));
    diesel::delete(keys).execute(&mut conn).await
}

/// Deletes keys from before a time.
pub async fn delete_before(mut conn: &AsyncPgConnection, before: DateTime<Utc>) -> QueryResult<usize> {
    let keys = idempotency_keys::table.filter(idempotency_keys::created_at.lt(before));
    diesel::delete(keys).execute(&mut conn).await
}
