//! All SQL of media: files here, [`blobs`] and direct [`uploads`] apart.

pub mod blobs;
pub mod uploads;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{DeletedFile, File, Media, MediaContent, NewFile, OriginalFile, Quota};
use crate::db::schema::{blobs as blobs_table, file_usage, media};
use crate::db::{Direction, Limit, columns, statement};
use crate::ids::{BlobId, MediaId, UserId};
use crate::page::PageRequest;

columns!(
    /// The columns of a file.
    static FILE: File
);
columns!(
    /// What is shown of a blob.
    static CONTENT: MediaContent
);

/// The name of a picture's thumbnail; not a join, whose cost is a tenth of the statement where there are none.
struct ThumbnailName;

impl QueryFragment<Pg> for ThumbnailName {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(select thumbnails.name from blobs thumbnails where thumbnails.id = media.thumbnail_id)");
        Ok(())
    }
}

type FileColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<File, Pg>>;
type ContentColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<MediaContent, Pg>>;
type MediaColumns = (FileColumns, ContentColumns, diesel::sql_types::Nullable<diesel::sql_types::Text>);
type MediaRow = (File, MediaContent, Option<String>);

fn to_media((file, content, thumbnail): MediaRow) -> Media {
    Media { file, content, thumbnail }
}

statement! {
    /// Files by id.
    pub struct MediaByIds<'a> { ids: &'a [MediaId] } -> MediaColumns
    |this|
    "select " {&*FILE} ", " {&*CONTENT} ", " {&ThumbnailName} " from media join blobs on blobs.id = media.blob_id where media.id = any("
    [diesel::sql_types::Array<BigInt>: &this.ids] ")"
}

statement! {
    by text
    /// A page of a user's files.
    pub struct MediaOfOwner { owner: UserId, side: KeysetSide, direction: Direction, limit: Limit } -> MediaColumns
    |this|
    "select " {&*FILE} ", " {&*CONTENT} ", " {&ThumbnailName} " from media join blobs on blobs.id = media.blob_id where media.owner_id = "
    [BigInt: &this.owner] {&this.side} " order by media.id " {&this.direction} " limit " {&this.limit}
}

/// Side of a cursor.
pub enum KeysetSide {
    /// Smaller ids.
    Older(MediaId),
    /// Larger ids.
    Newer(MediaId),
    /// No cursor.
    All,
}

impl QueryFragment<Pg> for KeysetSide {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (side, id) = match self {
            Self::Older(id) => (" and media.id < ", id),
            Self::Newer(id) => (" and media.id > ", id),
            Self::All => return Ok(()),
        };
        out.push_sql(side);
        out.push_bind_param::<BigInt, _>(id)
    }
}

/// Files by id, unordered.
pub async fn list_media(mut conn: &AsyncPgConnection, ids: &[MediaId]) -> QueryResult<Vec<Media>> {
    let rows: Vec<MediaRow> = MediaByIds { ids }.load(&mut conn).await?;
    Ok(rows.into_iter().map(to_media).collect())
}

/// A page of a user's files, newest first.
pub async fn list_by_owner(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    page: &PageRequest<MediaId>,
) -> QueryResult<Vec<Media>> {
    let side = page.cursor.map_or(KeysetSide::All, if page.backward { KeysetSide::Newer } else { KeysetSide::Older });
    let direction = if page.backward { Direction::Ascending } else { Direction::Descending };
    let query = MediaOfOwner { owner, side, direction, limit: Limit(page.limit()) };
    let rows: Vec<MediaRow> = query.load(&mut conn).await?;
    Ok(rows.into_iter().map(to_media).collect())
}

/// Number of a user's files, up to a bound.
pub async fn count_by_owner(mut conn: &AsyncPgConnection, owner: UserId, bound: i64) -> QueryResult<i64> {
    let ids: Vec<MediaId> =
        media::table.filter(media::owner_id.eq(owner)).select(media::id).limit(bound).load(&mut conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(bound))
}

/// Inserts a file; does not count uses of its blobs.
pub async fn insert_media(mut conn: &AsyncPgConnection, file: &NewFile<'_>) -> QueryResult<File> {
    diesel::insert_into(media::table).values(file).returning(File::as_returning()).get_result(&mut conn).await
}

statement! {
    /// A file of an owner's with the content and name of another one: the oldest.
    struct CopyOf { owner: UserId, source: MediaId } -> BigInt
    |this|
    "select media.id from media original join media on media.blob_id = original.blob_id \
       and media.file_name = original.file_name and media.owner_id = " [BigInt: &this.owner] " where original.id = "
    [BigInt: &this.source] " order by media.id limit 1"
}

/// A file of an owner's with the content and name of another one, if they have one: the oldest.
pub async fn find_copy(mut conn: &AsyncPgConnection, owner: UserId, source: MediaId) -> QueryResult<Option<MediaId>> {
    CopyOf { owner, source }.get_result(&mut conn).await.optional()
}

/// What a copy of a file takes over, held against deletion.
pub async fn find_original(mut conn: &AsyncPgConnection, id: MediaId) -> QueryResult<Option<OriginalFile>> {
    let original = media::table.inner_join(blobs_table::table.on(blobs_table::id.eq(media::blob_id)));
    original
        .filter(media::id.eq(id))
        .select(OriginalFile::as_select())
        .for_key_share()
        .get_result(&mut conn)
        .await
        .optional()
}

/// Locks files against deletion, ordered by id; returns those that exist.
pub async fn lock_files(mut conn: &AsyncPgConnection, ids: &[MediaId]) -> QueryResult<Vec<MediaId>> {
    media::table.filter(media::id.eq_any(ids)).select(media::id).order(media::id).for_key_share().load(&mut conn).await
}

/// Deletes a user's file and returns its blobs and size; none if absent. Fails by a foreign key while referenced.
pub async fn delete_media(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    id: MediaId,
) -> QueryResult<Option<(DeletedFile, i64)>> {
    let file = media::table.filter(media::id.eq(id).and(media::owner_id.eq(owner)));
    let deleted: Option<DeletedFile> =
        diesel::delete(file).returning((media::blob_id, media::thumbnail_id)).get_result(&mut conn).await.optional()?;
    let Some(deleted) = deleted else { return Ok(None) };
    let size = blobs_table::table.find(deleted.blob_id).select(blobs_table::size_bytes).get_result(&mut conn).await?;
    Ok(Some((deleted, size)))
}

statement! {
    /// Deletes a user's unreferenced files.
    pub struct DeleteUnshown { owner: UserId } -> (BigInt, diesel::sql_types::Nullable<BigInt>)
    |this|
    "select blob_id, thumbnail_id from delete_unshown_media(" [BigInt: &this.owner] ")"
}

/// Deletes a user's unreferenced files; returns their blobs.
pub async fn delete_unshown(mut conn: &AsyncPgConnection, owner: UserId) -> QueryResult<Vec<DeletedFile>> {
    let rows: Vec<(BlobId, Option<BlobId>)> = DeleteUnshown { owner }.load(&mut conn).await?;
    Ok(rows.into_iter().map(|(blob_id, thumbnail_id)| DeletedFile { blob_id, thumbnail_id }).collect())
}

statement! {
    /// Adds to a user's usage, unless over the quota or the user is deleted. Locks the account first, as its deletion does.
    pub struct ReserveQuota { owner: UserId, files: i32, bytes: i64, quota: Quota } -> Integer
    |this|
    "with holder as (select id from users where id = " [BigInt: &this.owner] " and deleted_at is null for share) \
     insert into file_usage as usage (owner_id, files, bytes) select holder.id, "
    [Integer: &this.files] ", " [BigInt: &this.bytes] " from holder where " [Integer: &this.files] " <= "
    [Integer: &this.quota.files] " and " [BigInt: &this.bytes] " <= " [BigInt: &this.quota.bytes]
    " on conflict (owner_id) do update set files = usage.files + excluded.files, bytes = usage.bytes + excluded.bytes \
     where usage.files + excluded.files <= " [Integer: &this.quota.files]
    " and usage.bytes + excluded.bytes <= " [BigInt: &this.quota.bytes] " returning files"
}

/// Whether the quota allows as much more; takes no lock.
pub async fn has_quota(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    files: i32,
    bytes: i64,
    quota: Quota,
) -> QueryResult<bool> {
    let used = file_usage::table.find(owner).select((file_usage::files, file_usage::bytes));
    let (used_files, used_bytes): (i32, i64) = used.get_result(&mut conn).await.optional()?.unwrap_or_default();
    Ok(used_files + files <= quota.files && used_bytes + bytes <= quota.bytes)
}

/// Reserves quota; false if exceeded.
pub async fn reserve_quota(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    files: i32,
    bytes: i64,
    quota: Quota,
) -> QueryResult<bool> {
    let rows: Vec<i32> = ReserveQuota { owner, files, bytes, quota }.load(&mut conn).await?;
    Ok(!rows.is_empty())
}

/// Releases quota, and locks the usage row.
pub async fn release_quota(mut conn: &AsyncPgConnection, owner: UserId, files: i32, bytes: i64) -> QueryResult<usize> {
    diesel::update(file_usage::table.find(owner))
        .set((file_usage::files.eq(file_usage::files - files), file_usage::bytes.eq(file_usage::bytes - bytes)))
        .execute(&mut conn)
        .await
}

statement! {
    /// Recomputes a user's usage.
    pub struct Recount { owner: UserId } -> Integer
    |this|
    "update file_usage set files = counted.files, bytes = counted.bytes from (select count(*)::integer as files, \
     coalesce(sum(size_bytes), 0)::bigint as bytes from (select blobs.size_bytes from media \
     join blobs on blobs.id = media.blob_id where media.owner_id = " [BigInt: &this.owner]
    " union all select size_bytes from uploads where owner_id = " [BigInt: &this.owner]
    " and state = 'OPEN' and pending) held) counted where owner_id = " [BigInt: &this.owner] " returning file_usage.files"
}

/// Recomputes a user's usage after bulk changes.
pub async fn recount(mut conn: &AsyncPgConnection, owner: UserId) -> QueryResult<()> {
    let _: Vec<i32> = Recount { owner }.load(&mut conn).await?;
    Ok(())
}
