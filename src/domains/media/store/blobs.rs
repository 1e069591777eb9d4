//! SQL of blobs.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::blobs;
use crate::db::statement;
use crate::domains::media::model::{Blob, NewBlob};
use crate::ids::BlobId;

/// Finds or inserts the blob with these bytes, and claims it for a day.
pub async fn claim_blob(mut conn: &AsyncPgConnection, blob: &NewBlob) -> QueryResult<Blob> {
    diesel::insert_into(blobs::table)
        .values(blob)
        .on_conflict((blobs::sha256, blobs::content_type))
        .do_update()
        .set(blobs::wanted_at.eq(blob.wanted_at))
        .returning(Blob::as_returning())
        .get_result(&mut conn)
        .await
}

statement! {
    /// Ages claims.
    pub struct ReleaseClaims<'a> { ids: &'a [BlobId], wanted_at: &'a [DateTime<Utc>], before: DateTime<Utc> } -> BigInt
    |this|
    "update blobs set wanted_at = " [Timestamptz: &this.before] " from unnest(" [Array<BigInt>: &this.ids] ", "
    [Array<Timestamptz>: &this.wanted_at] ") as taken(id, at) where blobs.id = taken.id and blobs.wanted_at = taken.at \
     and blobs.uses = 0 returning blobs.id"
}

/// Releases the claims of these times, so that the next cleanup deletes the blobs; no effect on blobs claimed or used
/// since.
pub async fn release_claims(
    mut conn: &AsyncPgConnection,
    wanted: &[(BlobId, DateTime<Utc>)],
    before: DateTime<Utc>,
) -> QueryResult<()> {
    let (ids, times): (Vec<BlobId>, Vec<DateTime<Utc>>) = wanted.iter().copied().unzip();
    let _: Vec<i64> = ReleaseClaims { ids: &ids, wanted_at: &times, before }.load(&mut conn).await?;
    Ok(())
}

/// Marks a blob as stored.
pub async fn mark_stored(mut conn: &AsyncPgConnection, id: BlobId) -> QueryResult<usize> {
    diesel::update(blobs::table.find(id)).set(blobs::stored.eq(true)).execute(&mut conn).await
}

statement! {
    /// Counts uses of blobs, locked in the order of their ids.
    pub struct CountUses<'a> { ids: &'a [BlobId], by: i32, now: DateTime<Utc> } -> BigInt
    |this|
    "update blobs set uses = uses + counted.times * " [Integer: &this.by] ", wanted_at = " [Timestamptz: &this.now]
    " from (select blobs.id, wanted.times from (select id, count(*)::integer as times from unnest("
    [Array<BigInt>: &this.ids] ") as id group by id) wanted join blobs on blobs.id = wanted.id order by blobs.id \
     for no key update of blobs) counted where blobs.id = counted.id returning blobs.id"
}

/// Adds 1 or -1 to the uses of each blob, once for each occurrence.
pub async fn count_uses(mut conn: &AsyncPgConnection, ids: &[BlobId], by: i32, now: DateTime<Utc>) -> QueryResult<()> {
    let _: Vec<i64> = CountUses { ids, by, now }.load(&mut conn).await?;
    Ok(())
}

statement! {
    /// Marks unused blobs as not stored.
    pub struct MarkForDeletion { before: DateTime<Utc>, most: i64 } -> BigInt
    |this|
    "with unused as (select id from blobs where uses = 0 and wanted_at < " [Timestamptz: &this.before]
    " order by wanted_at limit " [BigInt: &this.most] " for no key update skip locked) \
     update blobs set stored = false from unused where blobs.id = unused.id returning blobs.id"
}

/// Marks unused blobs whose last claim is older as not stored: a later claim stores the bytes anew.
pub async fn mark_for_deletion(
    mut conn: &AsyncPgConnection,
    before: DateTime<Utc>,
    most: i64,
) -> QueryResult<Vec<BlobId>> {
    MarkForDeletion { before, most }.load(&mut conn).await
}

/// Locks a marked blob that was not claimed since; returns its name.
pub async fn lock_marked(
    mut conn: &AsyncPgConnection,
    id: BlobId,
    before: DateTime<Utc>,
) -> QueryResult<Option<String>> {
    blobs::table
        .filter(blobs::id.eq(id).and(blobs::uses.eq(0)).and(blobs::stored.eq(false)).and(blobs::wanted_at.lt(before)))
        .select(blobs::name)
        .for_update()
        .get_result(&mut conn)
        .await
        .optional()
}

/// Deletes a blob's row.
pub async fn delete_blob(mut conn: &AsyncPgConnection, id: BlobId) -> QueryResult<usize> {
    diesel::delete(blobs::table.find(id)).execute(&mut conn).await
}
