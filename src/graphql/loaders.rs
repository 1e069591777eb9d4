//! The loaders of one execution, one line each.

use std::sync::Arc;

use super::loader::{Batch, Loader};
use crate::domains::{accounts, chat, items, media};
use crate::error::{AppError, AppResult};
use crate::ids::{ItemId, UserId};
use crate::scope::Scope;

/// All loaders of one execution; each is built when first used.
pub struct Loaders {
    scope: Arc<Scope>,
    /// A user by id.
    pub users: Loader<accounts::loader::UserById>,
    /// What a user says of themselves and signs in with, by id.
    pub details: Loader<accounts::loader::DetailsByUser>,
    /// A conversation with its people, by id.
    pub conversations: Loader<chat::loader::ConversationById>,
    /// A message with its sender, by conversation and seq.
    pub messages: Loader<chat::loader::MessageAt>,
    /// The viewer's membership of a conversation.
    pub memberships: Loader<chat::loader::ViewerMembership>,
    /// The present members of a conversation.
    pub members: Loader<chat::loader::PresentMembers>,
    /// A file by id, for what shows it.
    pub media: Loader<media::loader::MediaById>,
    /// An item by id, if the viewer may see it.
    pub items: Loader<items::loader::VisibleItem>,
    /// A page of somebody's items, by them and the list's arguments.
    pub items_by_owner: Loader<items::loader::ItemsByOwner>,
}

impl Loaders {
    /// The loaders of an execution.
    #[must_use]
    pub fn new(scope: Arc<Scope>) -> Self {
        Self {
            scope,
            users: Loader::default(),
            details: Loader::default(),
            conversations: Loader::default(),
            messages: Loader::default(),
            memberships: Loader::default(),
            members: Loader::default(),
            media: Loader::default(),
            items: Loader::default(),
            items_by_owner: Loader::default(),
        }
    }

    /// The value of a key, if there is one.
    ///
    /// # Errors
    /// What the batch's statement said.
    pub async fn find<B: Batch>(&self, loader: &Loader<B>, key: B::Key) -> AppResult<Option<B::Value>> {
        loader.load(&self.scope, key).await
    }

    /// The value of a key that a foreign key vouches for.
    ///
    /// # Errors
    /// What the batch's statement said; internal when the value is missing all the same.
    pub async fn get<B: Batch>(&self, loader: &Loader<B>, key: B::Key) -> AppResult<B::Value> {
        let missing = format!("{key:?} refers to nothing");
        self.find(loader, key).await?.ok_or_else(|| AppError::internal(missing))
    }

    /// Forgets what was loaded of an item, after a change of it: the same operation may show it once more.
    pub async fn forget_item(&self, id: ItemId) {
        self.items.forget(id).await;
        self.items_by_owner.forget_all().await;
    }

    /// Forgets what was loaded of a user, after a change of theirs: the same operation may show it once more.
    pub async fn forget_user(&self, id: UserId) {
        self.users.forget(id).await;
        self.details.forget(id).await;
        // Items carry their owners.
        self.items.forget_all().await;
        self.items_by_owner.forget_all().await;
    }
}
