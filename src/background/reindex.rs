//! Rebuilds stale search entries, written by another tokenizer version: at startup and each hour.

use std::sync::Arc;
use std::time::Duration;

use diesel_async::{AsyncConnection, AsyncPgConnection};

use crate::app::App;
use crate::domains::search::model::{SearchEntry, SearchKind};
use crate::domains::search::service as search;
use crate::domains::{accounts, groups, items, merchants, products, tasks};
use crate::error::AppResult;
use crate::ids::{GroupId, ItemId, MerchantId, ProductId, TaskId, UserId};

const INTERVAL: Duration = Duration::from_hours(1);

/// Entries per transaction.
const BATCH_SIZE: i64 = 500;

pub(super) async fn run(app: Arc<App>) {
    loop {
        match reindex(&app).await {
            Ok(0) => {}
            Ok(entries) => tracing::info!(entries, "search index rebuilt"),
            Err(error) => tracing::warn!(cause = %error.describe(), "search index not rebuilt"),
        }
        if app.stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
            return;
        }
    }
}

/// Rebuilds all stale entries, a batch at a time; returns how many.
///
/// # Errors
/// When the database fails.
pub async fn reindex(app: &App) -> AppResult<usize> {
    let mut done = 0;
    loop {
        let mut conn = app.database.get().await?;
        let stale = search::list_stale(&conn, BATCH_SIZE).await?;
        if stale.is_empty() || app.stop.is_cancelled() {
            return Ok(done);
        }
        for kind in SearchKind::ALL {
            let ids: Vec<i64> = stale.iter().filter(|(of, _)| of == kind).map(|(_, id)| *id).collect();
            conn.transaction(async |conn| reindex_some(conn, *kind, &ids).await).await?;
        }
        done += stale.len();
    }
}

async fn reindex_some(conn: &AsyncPgConnection, kind: SearchKind, ids: &[i64]) -> AppResult<()> {
    let ids = search::lock_stale(conn, kind, ids).await?;
    if ids.is_empty() {
        return Ok(());
    }
    let entries = load_entries(conn, kind, &ids).await?;
    search::replace(conn, kind, &ids, &entries).await
}

/// Search entries of one kind; none for rows that are not searchable.
async fn load_entries(conn: &AsyncPgConnection, kind: SearchKind, ids: &[i64]) -> AppResult<Vec<SearchEntry>> {
    Ok(match kind {
        SearchKind::User => {
            let ids: Vec<UserId> = ids.iter().copied().map(UserId).collect();
            let users = accounts::service::load_users(conn, &ids).await?;
            users.values().filter(|user| user.deleted_at.is_none()).map(|user| SearchEntry::from(&**user)).collect()
        }
        SearchKind::Item => {
            let ids: Vec<ItemId> = ids.iter().copied().map(ItemId).collect();
            items::service::list_findable(conn, &ids).await?.iter().map(SearchEntry::from).collect()
        }
        SearchKind::Task => {
            let ids: Vec<TaskId> = ids.iter().copied().map(TaskId).collect();
            tasks::service::list_findable(conn, &ids).await?.iter().map(SearchEntry::from).collect()
        }
        SearchKind::Product => {
            let ids: Vec<ProductId> = ids.iter().copied().map(ProductId).collect();
            products::service::list_findable(conn, &ids).await?.iter().map(SearchEntry::from).collect()
        }
        SearchKind::Group => {
            let ids: Vec<GroupId> = ids.iter().copied().map(GroupId).collect();
            groups::service::list_findable(conn, &ids).await?.iter().map(SearchEntry::from).collect()
        }
        SearchKind::Merchant => {
            let ids: Vec<MerchantId> = ids.iter().copied().map(MerchantId).collect();
            merchants::service::list_findable(conn, &ids).await?.iter().map(SearchEntry::from).collect()
        }
    })
}
