//! Batches of orders and their histories.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{Order, OrderEvent};
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::OrderId;
use crate::scope::Scope;

/// Orders by id, of those that the viewer may see.
pub struct VisibleOrder;

impl Batch for VisibleOrder {
    type Key = OrderId;
    type Value = Arc<Order>;

    async fn load(scope: &Scope, keys: &[OrderId]) -> AppResult<HashMap<OrderId, Arc<Order>>> {
        service::load_visible(scope, keys).await
    }
}

/// The history of an order that the viewer sees.
pub struct HistoryOf;

impl Batch for HistoryOf {
    type Key = OrderId;
    type Value = Vec<OrderEvent>;

    async fn load(scope: &Scope, keys: &[OrderId]) -> AppResult<HashMap<OrderId, Vec<OrderEvent>>> {
        service::load_histories(scope, keys).await
    }
}
