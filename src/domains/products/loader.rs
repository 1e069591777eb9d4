//! Batches of products.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::Product;
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::ProductId;
use crate::scope::Scope;

/// Products by id, of those that are in the store.
pub struct PresentProduct;

impl Batch for PresentProduct {
    type Key = ProductId;
    type Value = Arc<Product>;

    async fn load(scope: &Scope, keys: &[ProductId]) -> AppResult<HashMap<ProductId, Arc<Product>>> {
        service::load_present(scope, keys).await
    }
}
