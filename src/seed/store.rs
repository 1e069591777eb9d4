//! The SQL of large data: rows by COPY, in their columns' text form.

use bytes::{Bytes, BytesMut};
use futures_util::SinkExt;
use tokio_postgres::{Client, CopyInSink, NoTls, Transaction};

use crate::error::{AppError, AppResult};

/// Bytes that are sent at once.
const CHUNK: usize = 1 << 20;

/// Rows on their way into a table.
pub struct CopyRows {
    sink: std::pin::Pin<Box<CopyInSink<Bytes>>>,
    buffer: BytesMut,
}

/// Existing keys.
pub struct ExistingCounts {
    /// The largest key of each of [`TABLES`].
    pub keys: Vec<i64>,
    /// The largest account number.
    pub account_number: i32,
}

/// Tables with keys of their own that are given to them here, in the order in which they are filled.
pub const TABLES: [&str; 13] = [
    "users",
    "media",
    "items",
    "favorites",
    "friendships",
    "group_members",
    "conversations",
    "messages",
    "tasks",
    "products",
    "orders",
    "tickets",
    "ledger_transfers",
];

/// A picture that is there, to be shown by many: content, small picture, and its sides.
pub struct SharedPicture {
    /// The content's key.
    pub blob: i64,
    /// The small picture's.
    pub thumbnail: Option<i64>,
    /// Pixels across.
    pub width: i32,
    /// Pixels down.
    pub height: i32,
}

/// Connects apart from the pool, without its time limits.
pub async fn connect(url: &str) -> AppResult<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(AppError::internal)?;
    tokio::spawn(connection);
    let settings = "set timezone = 'UTC'; set synchronous_commit = off; set maintenance_work_mem = '256MB'";
    client.batch_execute(settings).await.map_err(AppError::internal)?;
    Ok(client)
}

/// Locks the tables and reads the existing keys.
pub async fn hold(transaction: &Transaction<'_>) -> AppResult<ExistingCounts> {
    let lock = format!("lock table {} in exclusive mode", TABLES.join(", "));
    transaction.batch_execute(&lock).await.map_err(AppError::internal)?;
    let mut keys = Vec::new();
    for table in TABLES {
        let sql = format!("select coalesce(max(id), 0) from {table}");
        keys.push(transaction.query_one(&sql, &[]).await.map_err(AppError::internal)?.get(0));
    }
    let sql = "select coalesce(max(account_number), 9999999) from users";
    let account_number = transaction.query_one(sql, &[]).await.map_err(AppError::internal)?.get(0);
    Ok(ExistingCounts { keys, account_number })
}

/// Lets the next keys follow those that were given out.
pub async fn release(transaction: &Transaction<'_>) -> AppResult<()> {
    let columns = TABLES.iter().map(|table| (*table, "id")).chain([("users", "account_number")]);
    for (table, column) in columns {
        let sql = format!(
            "select setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) from {table} \
             having max({column}) is not null"
        );
        transaction.query(&sql, &[]).await.map_err(AppError::internal)?;
    }
    Ok(())
}

/// Begins to fill a table.
pub async fn copy(transaction: &Transaction<'_>, table: &str, columns: &str) -> AppResult<CopyRows> {
    let sql = format!("copy {table} ({columns}) from stdin");
    let sink = transaction.copy_in::<_, Bytes>(&sql).await.map_err(AppError::internal)?;
    Ok(CopyRows { sink: Box::pin(sink), buffer: BytesMut::with_capacity(CHUNK) })
}

impl CopyRows {
    /// Adds a row: fields parted by tabs, `\N` for null; texts have neither tabs, nor line ends, nor backslashes.
    pub async fn add(&mut self, row: &str) -> AppResult<()> {
        self.buffer.extend_from_slice(row.as_bytes());
        self.buffer.extend_from_slice(b"\n");
        if self.buffer.len() >= CHUNK {
            let full = std::mem::replace(&mut self.buffer, BytesMut::with_capacity(CHUNK));
            self.sink.send(full.freeze()).await.map_err(AppError::internal)?;
        }
        Ok(())
    }

    /// Sends what is left.
    pub async fn finish(mut self) -> AppResult<u64> {
        self.sink.send(self.buffer.freeze()).await.map_err(AppError::internal)?;
        self.sink.as_mut().finish().await.map_err(AppError::internal)
    }
}

/// Pictures of a user, with their blobs.
pub async fn list_shared_pictures(transaction: &Transaction<'_>, owner: i64) -> AppResult<Vec<SharedPicture>> {
    let sql = "select media.blob_id, media.thumbnail_id, media.width, media.height, blobs.size_bytes \
               from media join blobs on blobs.id = media.blob_id where owner_id = $1 and width is not null order by media.id";
    let rows = transaction.query(sql, &[&owner]).await.map_err(AppError::internal)?;
    let pictures = |row: &tokio_postgres::Row| SharedPicture {
        blob: row.get(0),
        thumbnail: row.get(1),
        width: row.get(2),
        height: row.get(3),
    };
    Ok(rows.iter().map(pictures).collect())
}

/// Ids of a user's pictures.
pub async fn list_pictures(transaction: &Transaction<'_>, owner: i64) -> AppResult<Vec<i64>> {
    let sql = "select id from media where owner_id = $1 and width is not null order by id";
    let rows = transaction.query(sql, &[&owner]).await.map_err(AppError::internal)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Makes what follows from rows that were copied.
pub async fn derive(transaction: &Transaction<'_>, sql: &str) -> AppResult<()> {
    transaction.batch_execute(sql).await.map_err(AppError::internal)
}

/// Counts what was copied without being counted: uses of contents, files of people.
pub async fn count_files(transaction: &Transaction<'_>) -> AppResult<()> {
    let sql = "update blobs set uses = counted.uses from (select id, count(*) as uses from (select blob_id as id from media \
               union all select thumbnail_id from media where thumbnail_id is not null) used group by id) counted \
               where blobs.id = counted.id; \
               insert into file_usage (owner_id, files, bytes) select owner_id, count(*), sum(size_bytes) from media \
               join blobs on blobs.id = media.blob_id group by owner_id \
               on conflict (owner_id) do update set files = excluded.files, bytes = excluded.bytes";
    transaction.batch_execute(sql).await.map_err(AppError::internal)
}

/// Gathers what PostgreSQL plans by.
pub async fn analyze(client: &Client) -> AppResult<()> {
    let sql = format!(
        "vacuum analyze {}, profiles, blobs, item_images, search_entries, search_words, members, wallets, ledger_entries, \
         order_events, ticket_lines, relations, friend_counts, positions, groups, group_positions",
        TABLES.join(", ")
    );
    client.batch_execute(&sql).await.map_err(AppError::internal)
}

/// The Latin words of a kind that are known.
pub async fn list_words(transaction: &Transaction<'_>, kind: &str) -> AppResult<std::collections::BTreeSet<String>> {
    let rows = transaction.query("select word from search_words where kind::text = $1", &[&kind]).await;
    Ok(rows.map_err(AppError::internal)?.iter().map(|row| row.get(0)).collect())
}
