//! SQL of direct uploads.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::{blobs, media, uploads, users};
use crate::domains::media::model::{NewUpload, Upload, UploadState};
use crate::ids::{MediaId, UploadId, UserId};

/// Inserts an upload.
pub async fn insert_upload(mut conn: &AsyncPgConnection, upload: &NewUpload<'_>) -> QueryResult<usize> {
    diesel::insert_into(uploads::table).values(upload).execute(&mut conn).await
}

/// A user's upload.
pub async fn find_upload(mut conn: &AsyncPgConnection, owner: UserId, key: &str) -> QueryResult<Option<Upload>> {
    let own = uploads::table.filter(uploads::key.eq(key).and(uploads::owner_id.eq(owner)));
    own.select(Upload::as_select()).get_result(&mut conn).await.optional()
}

/// Owner of an open upload, unless suspended or deleted.
pub async fn find_open(mut conn: &AsyncPgConnection, key: &str, now: DateTime<Utc>) -> QueryResult<Option<UserId>> {
    let open = uploads::table.filter(uploads::key.eq(key).and(uploads::state.eq(UploadState::Open)));
    let present = users::suspended_at.is_null().or(users::suspended_until.le(now));
    open.inner_join(users::table.on(users::id.eq(uploads::owner_id)))
        .filter(users::deleted_at.is_null().and(present.is_not_distinct_from(true)))
        .select(uploads::owner_id)
        .get_result(&mut conn)
        .await
        .optional()
}

/// Blob name and file name of a completed upload.
pub async fn find_result(mut conn: &AsyncPgConnection, key: &str) -> QueryResult<Option<(String, String)>> {
    uploads::table
        .inner_join(media::table.on(media::id.nullable().eq(uploads::media_id)))
        .inner_join(blobs::table.on(blobs::id.eq(media::blob_id)))
        .filter(uploads::key.eq(key))
        .select((blobs::name, media::file_name))
        .get_result(&mut conn)
        .await
        .optional()
}

/// Locks an upload.
pub async fn lock_upload(mut conn: &AsyncPgConnection, id: UploadId) -> QueryResult<Option<Upload>> {
    uploads::table.find(id).select(Upload::as_select()).for_no_key_update().get_result(&mut conn).await.optional()
}

/// Sets the state of an upload.
pub async fn update_upload(
    mut conn: &AsyncPgConnection,
    id: UploadId,
    state: UploadState,
    media: Option<MediaId>,
) -> QueryResult<usize> {
    diesel::update(uploads::table.find(id))
        .set((uploads::state.eq(state), uploads::media_id.eq(media)))
        .execute(&mut conn)
        .await
}

/// Uploads that expired before an instant, and whose bytes may still be in the storage.
pub async fn list_expired(mut conn: &AsyncPgConnection, before: DateTime<Utc>, most: i64) -> QueryResult<Vec<Upload>> {
    uploads::table
        .filter(uploads::pending.and(uploads::expires_at.lt(before)))
        .order(uploads::expires_at)
        .limit(most)
        .select(Upload::as_select())
        .load(&mut conn)
        .await
}

/// Deletes an upload without bytes in the storage; a completed one is kept for its URL.
pub async fn delete_upload(mut conn: &AsyncPgConnection, id: UploadId) -> QueryResult<usize> {
    let upload = uploads::table.find(id);
    let kept = diesel::update(upload.filter(uploads::media_id.is_not_null()))
        .set(uploads::pending.eq(false))
        .execute(&mut conn);
    match kept.await? {
        0 => diesel::delete(upload).execute(&mut conn).await,
        kept => Ok(kept),
    }
}
