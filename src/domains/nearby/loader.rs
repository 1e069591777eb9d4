//! Batches of positions.

use std::collections::HashMap;

use super::model::UserPosition;
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::UserId;
use crate::scope::Scope;

/// Positions by user, for what shows them to those who may see them.
pub struct PositionByUser;

impl Batch for PositionByUser {
    type Key = UserId;
    type Value = UserPosition;

    async fn load(scope: &Scope, keys: &[UserId]) -> AppResult<HashMap<UserId, UserPosition>> {
        let conn = scope.db.read().await?;
        service::load_positions(&conn, keys).await
    }
}
