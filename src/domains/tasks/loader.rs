//! Batches of tasks and their disputes.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{Dispute, TaskCard};
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

/// The last dispute over a task.
pub struct LastDispute;

impl Batch for LastDispute {
    type Key = TaskId;
    type Value = Arc<Dispute>;

    async fn load(scope: &Scope, keys: &[TaskId]) -> AppResult<HashMap<TaskId, Arc<Dispute>>> {
        service::load_disputes(scope, keys).await
    }
}
