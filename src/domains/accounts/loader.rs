//! Batches of accounts.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::User;
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::UserId;
use crate::scope::Scope;

/// Users by id.
pub struct UserById;

impl Batch for UserById {
    type Key = UserId;
    type Value = Arc<User>;

    async fn load(scope: &Scope, keys: &[UserId]) -> AppResult<HashMap<UserId, Arc<User>>> {
        let conn = scope.db.read().await?;
        service::load_users(&conn, keys).await
    }
}
