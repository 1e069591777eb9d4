//! Batches of tasks.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::TaskCard;
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::TaskId;
use crate::scope::Scope;

/// Tasks by id, of those that the viewer may see.
pub struct VisibleTask;

impl Batch for VisibleTask {
    type Key = TaskId;
    type Value = Arc<TaskCard>;

    async fn load(scope: &Scope, keys: &[TaskId]) -> AppResult<HashMap<TaskId, Arc<TaskCard>>> {
        service::load_visible(scope, keys).await
    }
}
