//! A batched relation: the `dataloader` crate's cached loader with [`AppError`]s.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use dataloader::BatchFn;
use dataloader::cached;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::dispatch;
use crate::error::{AppError, AppResult};
use crate::scope::Scope;

/// Keys of one batch; larger than the largest page.
const BATCH_LIMIT: usize = 10_000;

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
    state: Mutex<LoaderState<B>>,
    /// The batch that was under way is done, or was dropped.
    settled: Notify,
}

struct LoaderState<B: Batch> {
    /// What has been loaded, to be read without waiting.
    loaded: HashMap<B::Key, AppResult<Option<B::Value>>>,
    /// Keys of the next batch.
    next: HashSet<B::Key>,
    /// A batch is under way.
    loading: bool,
}

impl<B: Batch> Default for Loader<B> {
    fn default() -> Self {
        let state = LoaderState { loaded: HashMap::new(), next: HashSet::new(), loading: false };
        Self { inner: OnceLock::new(), state: Mutex::new(state), settled: Notify::new() }
    }
}

/// Settles a batch even if the field that loads it is dropped.
struct Settling<'a, B: Batch>(&'a Loader<B>);

impl<B: Batch> Drop for Settling<'_, B> {
    fn drop(&mut self) {
        self.0.state().loading = false;
        self.0.settled.notify_waiters();
    }
}

/// What a load does once its batch has been dispatched.
enum Turn<B: Batch> {
    Loaded(AppResult<Option<B::Value>>),
    /// Another field loads a batch.
    Wait,
    Load(HashSet<B::Key>),
}

impl<B: Batch> Loader<B> {
    /// The value of a key if it was loaded; otherwise it is one of the next batch.
    pub fn find_or_want(&self, key: &B::Key) -> Option<AppResult<Option<B::Value>>> {
        let mut state = self.state();
        let found = state.loaded.get(key).cloned();
        if found.is_none() && !state.next.contains(key) {
            state.next.insert(key.clone());
        }
        found
    }

    /// The value of a key that is one of the next batch.
    pub async fn load(&self, scope: &Arc<Scope>, key: B::Key) -> AppResult<Option<B::Value>> {
        dispatch::wait_for_batch().await;
        loop {
            let settled = self.settled.notified();
            match self.turn(&key) {
                Turn::Loaded(found) => return found,
                Turn::Wait => settled.await,
                Turn::Load(keys) => self.load_batch(scope, keys).await,
            }
        }
    }

    /// What is to be done until all keys that were asked for are loaded; nothing if they are.
    fn settling_turn(&self) -> Option<Turn<B>> {
        let mut state = self.state();
        if state.loading {
            return Some(Turn::Wait);
        }
        let keys = std::mem::take(&mut state.next);
        state.loading = !keys.is_empty();
        state.loading.then_some(Turn::Load(keys))
    }

    /// The first field to come after dispatch loads all keys.
    fn turn(&self, key: &B::Key) -> Turn<B> {
        let mut state = self.state();
        if let Some(found) = state.loaded.get(key) {
            return Turn::Loaded(found.clone());
        }
        if state.loading {
            return Turn::Wait;
        }
        state.loading = true;
        let mut keys = std::mem::take(&mut state.next);
        // Its batch was dropped with the field that loaded it.
        keys.insert(key.clone());
        Turn::Load(keys)
    }

    async fn load_batch(&self, scope: &Arc<Scope>, keys: HashSet<B::Key>) {
        let keys: Vec<B::Key> = keys.into_iter().collect();
        let _settling = Settling(self);
        let inner = self.inner.get_or_init(|| {
            cached::Loader::new(Batcher { scope: Arc::clone(scope), batch: PhantomData })
                .with_max_batch_size(BATCH_LIMIT)
                // `dispatch` has waited.
                .with_yield_count(0)
        });
        match inner.try_load_many(keys.clone()).await {
            Ok(found) => self.state().loaded.extend(found),
            Err(error) => {
                let error = AppError::internal(error);
                self.state().loaded.extend(keys.into_iter().map(|key| (key, Err(error.clone()))));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, LoaderState<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A loader of any type.
pub trait Settle: Send + Sync {
    /// Waits until nothing that was asked for is left to be loaded.
    fn settle<'a>(&'a self, scope: &'a Arc<Scope>) -> BoxFuture<'a, ()>;
}

impl<B: Batch> Settle for Loader<B> {
    fn settle<'a>(&'a self, scope: &'a Arc<Scope>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            dispatch::wait_for_batch().await;
            loop {
                let settled = self.settled.notified();
                match self.settling_turn() {
                    Some(Turn::Load(keys)) => self.load_batch(scope, keys).await,
                    Some(_) => settled.await,
                    None => return,
                }
            }
        })
    }
}
