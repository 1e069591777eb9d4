//! The loaders of one execution, one line each.

use std::sync::Arc;

use super::loader::{Batch, Loader};
use crate::domains::{accounts, chat, favorites, items, media, orders, products, tasks, tickets, wallet};
use crate::error::{AppError, AppResult};
use crate::ids::{ItemId, OrderId, ProductId, TaskId, UserId};
use crate::scope::Scope;

/// All loaders of one execution; each is built when first used.
pub struct Loaders {
    scope: Arc<Scope>,
    /// A user by id.
    pub users: Loader<accounts::loader::UserById>,
    /// What a user says of themselves and signs in with, by id.
    pub details: Loader<accounts::loader::DetailsByUser>,
    /// A live session of the viewer's, by id.
    pub sessions: Loader<accounts::loader::OwnSession>,
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
    /// A file of the viewer's, by id.
    pub own_media: Loader<media::loader::OwnMedia>,
    /// A favorite of the viewer's, by id.
    pub favorites: Loader<favorites::loader::OwnFavorite>,
    /// An item by id, if the viewer may see it.
    pub items: Loader<items::loader::VisibleItem>,
    /// A page of somebody's items, by them and the list's arguments.
    pub items_by_owner: Loader<items::loader::ItemsByOwner>,
    /// A task by id, if the viewer may see it.
    pub tasks: Loader<tasks::loader::VisibleTask>,
    /// The last dispute over a task that the viewer has a part in, or administers.
    pub disputes: Loader<tasks::loader::LastDispute>,
    /// A product by id, if it is in the store.
    pub products: Loader<products::loader::PresentProduct>,
    /// An order by id, if the viewer may see it.
    pub orders: Loader<orders::loader::VisibleOrder>,
    /// The history of an order.
    pub histories: Loader<orders::loader::HistoryOf>,
    /// A ticket by id, if the viewer may see it.
    pub tickets: Loader<tickets::loader::VisibleTicket>,
    /// What was asked and answered in a ticket.
    pub ticket_lines: Loader<tickets::loader::LinesOf>,
    /// Somebody's wallet.
    pub wallets: Loader<wallet::loader::WalletOf>,
    /// A movement of money by id, if the viewer may see it.
    pub entries: Loader<wallet::loader::VisibleEntry>,
    /// A page of somebody's movements of money, by them and the list's arguments.
    pub entries_of: Loader<wallet::loader::EntriesOf>,
}

impl Loaders {
    /// The loaders of an execution.
    #[must_use]
    pub fn new(scope: Arc<Scope>) -> Self {
        Self {
            scope,
            users: Loader::default(),
            details: Loader::default(),
            sessions: Loader::default(),
            conversations: Loader::default(),
            messages: Loader::default(),
            memberships: Loader::default(),
            members: Loader::default(),
            media: Loader::default(),
            own_media: Loader::default(),
            favorites: Loader::default(),
            items: Loader::default(),
            items_by_owner: Loader::default(),
            tasks: Loader::default(),
            disputes: Loader::default(),
            products: Loader::default(),
            orders: Loader::default(),
            histories: Loader::default(),
            tickets: Loader::default(),
            ticket_lines: Loader::default(),
            wallets: Loader::default(),
            entries: Loader::default(),
            entries_of: Loader::default(),
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

    /// Forgets what was loaded of a task and of people's money, after a change of the task.
    pub async fn forget_task(&self, id: TaskId) {
        self.tasks.forget(id).await;
        self.disputes.forget(id).await;
        self.forget_money().await;
    }

    /// Forgets what was loaded of people's money, after some of it moved.
    pub async fn forget_money(&self) {
        self.wallets.forget_all().await;
        self.entries_of.forget_all().await;
    }

    /// Forgets what was loaded of an order, its product and people's money, after a change of the order.
    pub async fn forget_order(&self, order: OrderId, product: ProductId) {
        self.orders.forget(order).await;
        self.histories.forget(order).await;
        self.products.forget(product).await;
        self.forget_money().await;
    }

    /// Forgets what was loaded of a user, after a change of theirs: the same operation may show it once more.
    pub async fn forget_user(&self, id: UserId) {
        self.users.forget(id).await;
        self.details.forget(id).await;
        // Items carry their owners, and tasks their publishers.
        self.tasks.forget_all().await;
        self.items.forget_all().await;
        self.items_by_owner.forget_all().await;
    }
}
