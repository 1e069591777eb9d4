//! All SQL of idempotency keys.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::idempotency_keys;
use crate::ids::UserId;

/// Hash of the arguments, and the id of the result.
pub type StoredResult = (Vec<u8>, Option<i64>);

/// Finds a key.
pub async fn find(
    mut conn: &AsyncPgConnection,
    user: UserId,
    operation: &str,
    key: &str,
) -> QueryResult<Option<StoredResult>> {
    let row = idempotency_keys::table.find((user, operation, key));
    let stored = row.select((idempotency_keys::input_hash, idempotency_keys::result_id));
    stored.get_result(&mut conn).await.optional()
}

/// A key to be.
#[derive(Clone, Copy, Debug, Insertable)]
#[diesel(table_name = idempotency_keys)]
pub struct NewKey<'a> {
    /// Whose mutation.
    pub user_id: UserId,
    /// The mutation.
    pub operation: &'a str,
    /// The key, as the client sent it.
    pub key: &'a str,
    /// Hash of the other arguments.
    pub input_hash: &'a [u8],
    /// Now.
    pub created_at: DateTime<Utc>,
}

/// Inserts a key; false if it exists. Waits for a concurrent insert.
pub async fn insert(mut conn: &AsyncPgConnection, row: &NewKey<'_>) -> QueryResult<bool> {
    let added = diesel::insert_into(idempotency_keys::table).values(row).on_conflict_do_nothing();
    Ok(added.execute(&mut conn).await? == 1)
}

/// Stores the result of a key.
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

/// Deletes a user's keys.
pub async fn delete_of(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<usize> {
    let keys = idempotency_keys::table.filter(idempotency_keys::user_id.eq(user));
    diesel::delete(keys).execute(&mut conn).await
}

/// Deletes keys created before a time.
pub async fn delete_before(mut conn: &AsyncPgConnection, before: DateTime<Utc>) -> QueryResult<usize> {
    let keys = idempotency_keys::table.filter(idempotency_keys::created_at.lt(before));
    diesel::delete(keys).execute(&mut conn).await
}
