//! The loaders of one execution, keyed by batch type and built on first use.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;

use super::loader::{Batch, Loader, Settle};
use crate::attempt::{self, Obstacle};
use crate::error::{AppError, AppResult};
use crate::scope::Scope;

/// A loader, as itself and as what can be settled.
struct AnyLoader {
    typed: Arc<dyn Any + Send + Sync>,
    settle: Arc<dyn Settle>,
}

/// What is known of a key.
pub enum Peeked<V> {
    /// Its value.
    Value(V),
    /// That it has none.
    Nothing,
    /// That it could not be loaded.
    Failed,
    /// It will be known after the next batch.
    Wanted,
}

/// All loaders of one execution.
pub struct Loaders {
    scope: Arc<Scope>,
    by_batch: Mutex<HashMap<TypeId, AnyLoader>>,
}

impl Loaders {
    /// The loaders of an execution.
    #[must_use]
    pub fn new(scope: Arc<Scope>) -> Self {
        Self { scope, by_batch: Mutex::default() }
    }

    /// The value of a key, if any.
    pub async fn find<B: Batch>(&self, key: B::Key) -> AppResult<Option<B::Value>> {
        if let Some(value) = B::at_hand(&self.scope, &key) {
            return Ok(Some(value));
        }
        let loader = self.loader::<B>();
        if let Some(found) = loader.find_or_want(&key) {
            return found;
        }
        if attempt::is_on() {
            return attempt::stop(Obstacle::Batch).await;
        }
        // Boxed: what is at hand should not move the future of what is not.
        Box::pin(loader.load(&self.scope, key)).await
    }

    /// The value of a key if it can be had without waiting; otherwise it is one of the next batch.
    pub fn peek<B: Batch>(&self, key: &B::Key) -> Peeked<B::Value> {
        if let Some(value) = B::at_hand(&self.scope, key) {
            return Peeked::Value(value);
        }
        match self.loader::<B>().find_or_want(key) {
            Some(Ok(Some(value))) => Peeked::Value(value),
            Some(Ok(None)) => Peeked::Nothing,
            Some(Err(_)) => Peeked::Failed,
            None => Peeked::Wanted,
        }
    }

    /// Waits until nothing that was asked for is left to be loaded.
    pub async fn settle(&self) {
        let loaders: Vec<Arc<dyn Settle>> = self.by_batch().values().map(|loader| Arc::clone(&loader.settle)).collect();
        join_all(loaders.iter().map(|loader| loader.settle(&self.scope))).await;
    }

    /// The value of a key whose existence a foreign key guarantees.
    ///
    /// # Errors
    /// Internal if it is missing.
    pub async fn get<B: Batch>(&self, key: B::Key) -> AppResult<B::Value> {
        let found = self.find::<B>(key.clone()).await?;
        found.ok_or_else(|| AppError::internal(format!("{key:?} refers to nothing")))
    }

    /// Clears all caches, after a mutation field.
    pub fn clear(&self) {
        self.by_batch().clear();
    }

    fn loader<B: Batch>(&self) -> Arc<Loader<B>> {
        let mut by_batch = self.by_batch();
        let loader = by_batch.entry(TypeId::of::<B>()).or_insert_with(|| {
            let loader = Arc::<Loader<B>>::default();
            AnyLoader { typed: Arc::clone(&loader) as _, settle: loader }
        });
        // Its key is its type.
        Arc::clone(&loader.typed).downcast().unwrap_or_default()
    }

    fn by_batch(&self) -> MutexGuard<'_, HashMap<TypeId, AnyLoader>> {
        self.by_batch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
