//! One kind of batched relation: `dataloader`'s cached loader behind errors that are ours.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use dataloader::BatchFn;
use dataloader::cached;

use crate::error::{AppError, AppResult};
use crate::scope::Scope;

/// Larger than the largest page, so that a page's keys are one batch.
const LARGEST_BATCH: usize = 10_000;

/// A waiter whose batch was cut off, because somebody else's field failed, asks again so many times.
const TRIES: usize = 3;

/// How often a batch lets others add their keys before it is sent. A hundred fields that ask at once use up what the runtime
/// lets a task do in one go, more than once where they lie deep; with fewer they would come in several batches.
const YIELDS: usize = 8;

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
pub struct Loader<B: Batch>(OnceLock<Inner<B>>);

impl<B: Batch> Default for Loader<B> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<B: Batch> Loader<B> {
    /// The value of a key, together with all keys that are asked for at the same time.
    ///
    /// # Errors
    /// What the batch's statement said.
    pub async fn load(&self, scope: &Arc<Scope>, key: B::Key) -> AppResult<Option<B::Value>> {
        let loader = self.0.get_or_init(|| {
            cached::Loader::new(Batcher { scope: Arc::clone(scope), batch: PhantomData })
                .with_max_batch_size(LARGEST_BATCH)
                .with_yield_count(YIELDS)
        });
        for _ in 0..TRIES {
            if let Ok(found) = loader.try_load(key.clone()).await {
                return found;
            }
        }
        Err(AppError::internal("a loader's batch was cut off again and again"))
    }

    /// Forgets everything.
    pub async fn forget_all(&self) {
        if let Some(loader) = self.0.get() {
            loader.clear_all().await;
        }
    }

    /// Forgets a key's value.
    pub async fn forget(&self, key: B::Key) {
        if let Some(loader) = self.0.get() {
            loader.clear(key).await;
        }
    }
}
