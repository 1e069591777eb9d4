//! One kind of batched relation: `dataloader`'s cached loader behind errors that are ours.

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

/// Larger than the largest page, so that a page's keys are one batch.
const LARGEST_BATCH: usize = 10_000;

/// A load asks again so many times when its batch was dropped, because the field that sent it was no longer needed.
const TRIES: usize = 3;

/// How values are found by keys, in one statement for all of them.
pub trait Batch: Send + Sync + 'static {
    /// What is asked for.
    type Key: Clone + Eq + Hash + Debug + Send + Sync + 'static;
    /// What is found.
    type Value: Clone + Send + Sync + 'static;

    /// Finds the values of all keys; a key without a value is left out.
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
    /// An entry for every key, whatever happens: the loader has no other way to tell.
    async fn load(&mut self, keys: &[B::Key]) -> HashMap<B::Key, AppResult<Option<B::Value>>> {
        match B::load(&self.scope, keys).await {
            Ok(mut found) => keys.iter().map(|key| (key.clone(), Ok(found.remove(key)))).collect(),
            Err(error) => keys.iter().map(|key| (key.clone(), Err(error.clone()))).collect(),
        }
    }
}

type Inner<B> = cached::Loader<<B as Batch>::Key, AppResult<Option<<B as Batch>::Value>>, Batcher<B>>;

/// A relation's loader, built when first used.
pub struct Loader<B: Batch> {
    inner: OnceLock<Inner<B>>,
    /// The next batch.
    keys: Mutex<Vec<B::Key>>,
}

impl<B: Batch> Default for Loader<B> {
    fn default() -> Self {
        Self { inner: OnceLock::new(), keys: Mutex::default() }
    }
}

impl<B: Batch> Loader<B> {
    /// The value of a key, together with all keys that are asked for at the same time.
    ///
    /// # Errors
    /// What the batch's statement said.
    pub async fn load(&self, scope: &Arc<Scope>, key: B::Key) -> AppResult<Option<B::Value>> {
        let inner = self.inner.get_or_init(|| {
            cached::Loader::new(Batcher { scope: Arc::clone(scope), batch: PhantomData })
                .with_max_batch_size(LARGEST_BATCH)
                // `dispatch` has waited.
                .with_yield_count(0)
        });
        self.keys().push(key.clone());
        dispatch::no_field_can_go_on().await;
        let keys = std::mem::take(&mut *self.keys());
        if !keys.is_empty() {
            // Each load reads its own value, or the error, below.
            inner.try_load_many(keys).await.ok();
        }
        for _ in 0..TRIES {
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
