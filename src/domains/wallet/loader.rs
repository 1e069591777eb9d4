//! Batches of wallets and their entries.

use std::collections::HashMap;

use super::model::{Entry, Wallet};
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::{EntryId, UserId};
use crate::page::{Page, PageArgs};
use crate::scope::Scope;

/// Somebody's wallet; whether the asker may see it is asked before.
pub struct WalletOf;

impl Batch for WalletOf {
    type Key = UserId;
    type Value = Wallet;

    async fn load(scope: &Scope, keys: &[UserId]) -> AppResult<HashMap<UserId, Wallet>> {
        service::load_wallets(&*scope.db.read().await?, keys).await
    }
}

/// Entries by id, of those that the viewer may see.
pub struct VisibleEntry;

impl Batch for VisibleEntry {
    type Key = EntryId;
    type Value = Entry;

    async fn load(scope: &Scope, keys: &[EntryId]) -> AppResult<HashMap<EntryId, Entry>> {
        service::load_entries(scope, keys).await
    }
}

/// A page of somebody's entries, by them and the list's arguments: one statement for each set of arguments.
pub struct EntriesOf;

impl Batch for EntriesOf {
    type Key = (UserId, PageArgs);
    type Value = AppResult<Page<Entry>>;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, Self::Value>> {
        let mut lists: HashMap<&PageArgs, Vec<UserId>> = HashMap::new();
        for (user, args) in keys {
            lists.entry(args).or_default().push(*user);
        }
        let mut found = HashMap::with_capacity(keys.len());
        for (args, users) in lists {
            let pages = service::list_entries(scope, args, &users).await?;
            found.extend(pages.into_iter().map(|(user, page)| ((user, args.clone()), page)));
        }
        Ok(found)
    }
}
