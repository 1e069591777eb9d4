//! Batches of media.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::Media;
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::MediaId;
use crate::scope::Scope;

/// Files of the viewer's, by id, as they are now.
pub struct OwnMedia;

impl Batch for OwnMedia {
    type Key = MediaId;
    type Value = Arc<Media>;

    async fn load(scope: &Scope, keys: &[MediaId]) -> AppResult<HashMap<MediaId, Arc<Media>>> {
        service::load_own(scope, keys).await
    }
}

/// Files by id, for what shows them.
pub struct MediaById;

impl Batch for MediaById {
    type Key = MediaId;
    type Value = Arc<Media>;

    fn at_hand(scope: &Scope, key: &MediaId) -> Option<Arc<Media>> {
        scope.app.seen_media.get(key)
    }

    async fn load(scope: &Scope, keys: &[MediaId]) -> AppResult<HashMap<MediaId, Arc<Media>>> {
        service::load_media(scope, keys).await
    }
}
