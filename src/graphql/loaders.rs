//! The loaders of one execution, keyed by batch type and built on first use.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::loader::{Batch, Loader};
use crate::error::{AppError, AppResult};
use crate::scope::Scope;

type AnyLoader = Arc<dyn Any + Send + Sync>;

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
        match B::at_hand(&self.scope, &key) {
            Some(value) => Ok(Some(value)),
            None => self.loader::<B>().load(&self.scope, key).await,
        }
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
        let loader = by_batch.entry(TypeId::of::<B>()).or_insert_with(|| Arc::new(Loader::<B>::default()));
        // Its key is its type.
        Arc::clone(loader).downcast().unwrap_or_default()
    }

    fn by_batch(&self) -> MutexGuard<'_, HashMap<TypeId, AnyLoader>> {
        self.by_batch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
