//! A batched relation: the `dataloader` crate's cached loader with [`AppError`]s.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use dataloader::BatchFn;
use dataloader::cached;

use super::dispatch;
use crate::error::{AppError, AppResult};
use crate::scope::Scope;

/// Keys of one batch; larger than the largest page.
const BATCH_LIMIT: usize = 10_000;

/// Attempts of a load whose batch was dropped with the field that dispatched it.
const ATTEMPT_LIMIT: usize = 3;

/// Loads values by keys, in one statement.
pub trait Batch: Send + Sync + 'static {
    /// Key.
    type Key: Clone + Eq + Hash + Debug + Send + Sync + 'static;
    /// Value.
    type Value: Clone + Send + Sync + 'static;

    /// The value of a key that is known without a statement, as from a cache of the instance.
    fn at_hand(_scope: &Scope, _key: &Self::Key) -> Option<Self::Value> {
        None
    }

    /// The values of all keys; missing ones are omitted.
    fn load(
        scope: &Scope,
        keys: &[Self::Key],
    ) -> impl Future<Output = AppResult<HashMap<Self::Key, Self::Value>>> + Send;
}

struct Batcher<B> {
    scope: Arc<Scope>,
    batch: PhantomData<B>,
}

impl<B: Batch> BatchFn<B::Key, AppResult<Option<B::Value>>> for Batcher<B> {
    /// Returns an entry for every key, as the crate requires.
    async fn load(&mut self, keys: &[B::Key]) -> HashMap<B::Key, AppResult<Option<B::Value>>> {
        match B::load(&self.scope, keys).await {
            Ok(mut found) => keys.iter().map(|key| (key.clone(), Ok(found.remove(key)))).collect(),
            Err(error) => keys.iter().map(|key| (key.clone(), Err(error.clone()))).collect(),
        }
    }
}

type CachedLoader<B> = cached::Loader<<B as Batch>::Key, AppResult<Option<<B as Batch>::Value>>, Batcher<B>>;

/// A relation's loader, built when first used.
pub struct Loader<B: Batch> {
    inner: OnceLock<CachedLoader<B>>,
    /// The next batch.
    keys: Mutex<Vec<B::Key>>,
}

impl<B: Batch> Default for Loader<B> {
    fn default() -> Self {
        Self { inner: OnceLock::new(), keys: Mutex::default() }
    }
}

impl<B: Batch> Loader<B> {
    /// The value of a key, batched with concurrent loads.
    pub async fn load(&self, scope: &Arc<Scope>, key: B::Key) -> AppResult<Option<B::Value>> {
        let inner = self.inner.get_or_init(|| {
            cached::Loader::new(Batcher { scope: Arc::clone(scope), batch: PhantomData })
                .with_max_batch_size(BATCH_LIMIT)
                // `dispatch` has waited.
                .with_yield_count(0)
        });
        self.keys().push(key.clone());
        dispatch::wait_for_batch().await;
        let keys = std::mem::take(&mut *self.keys());
        if !keys.is_empty() {
            // Each load reads its own value, or the error, below.
            inner.try_load_many(keys).await.ok();
        }
        for _ in 0..ATTEMPT_LIMIT {
            if let Ok(found) = inner.try_load(key.clone()).await {
                return found;
            }
        }
        Err(AppError::internal("a loader's batch was dropped again and again"))
    }

    fn keys(&self) -> MutexGuard<'_, Vec<B::Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
