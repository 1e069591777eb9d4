//! Batches of presence.

use std::collections::HashMap;

use super::model::Presence;
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::UserId;
use crate::scope::Scope;

/// Whether users are online, by user; without those who don't let the viewer see it.
pub struct PresenceByUser;

impl Batch for PresenceByUser {
    type Key = UserId;
    type Value = Presence;

    async fn load(scope: &Scope, keys: &[UserId]) -> AppResult<HashMap<UserId, Presence>> {
        service::load_visible(scope, keys).await
    }
}
