//! Batches of wallets and their entries.

use std::collections::HashMap;

use super::model::{Entry, Wallet};
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::{EntryId, UserId};
use crate::page::{Page, PageArgs};
use crate::scope::Scope;

/// A user's wallet; whether the viewer may see it is checked before.
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

/// A page of a user's entries, by user and the list's arguments: one statement for each set of arguments.
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
