//! Messages that show something of Plaza's own.

use async_graphql::{Context, ID, Object, Union};

use crate::domains::accounts::types::User;
use crate::domains::chat::model::{CardKind, CardTarget, ChatError};
use crate::domains::groups::types::Group;
use crate::domains::items::types::Item;
use crate::domains::orders::types::Order;
use crate::domains::tasks::types::Task;
use crate::domains::{accounts, groups, items, orders, tasks};
use crate::error::{AppError, AppResult};
use crate::graphql::eager::{plain, plain_enums};
use crate::ids::{GroupId, ItemId, OrderId, TaskId, UserId};

/// Something of Plaza's own, as the viewer may see it.
#[derive(Clone, Debug)]
pub struct CardContent(pub(super) CardTarget);

/// What a card shows.
#[derive(Union)]
#[graphql(crate = "crate::graphql::eager")]
pub enum CardSubject {
    /// An item of the market.
    Item(Item),
    /// A task.
    Task(Task),
    /// An order of the points store.
    Order(Order),
    /// A user.
    User(User),
    /// A group.
    Group(Group),
}

/// Something of Plaza's own, as the viewer may see it.
#[Object(crate = "crate::graphql::eager")]
impl CardContent {
    /// What kind of thing it is.
    fn kind(&self) -> CardKind {
        self.0.kind
    }

    /// Its global id, for `node`.
    fn subject_id(&self) -> ID {
        let id = self.0.id;
        match self.0.kind {
            CardKind::Item => ItemId(id).global(),
            CardKind::Task => TaskId(id).global(),
            CardKind::Order => OrderId(id).global(),
            CardKind::User => UserId(id).global(),
            CardKind::Group => GroupId(id).global(),
        }
    }

    /// It, as it is now; null where the viewer may not see it, as another user's order, and where it is no more. Costs a statement
    /// for each kind on a page.
    async fn subject(&self, ctx: &Context<'_>) -> Option<AppResult<CardSubject>> {
        find(ctx, self.0).await.transpose()
    }
}

async fn find(ctx: &Context<'_>, CardTarget { kind, id }: CardTarget) -> AppResult<Option<CardSubject>> {
    Ok(match kind {
        CardKind::Item => items::query::find_item(ctx, ItemId(id)).await?.map(CardSubject::Item),
        CardKind::Task => tasks::query::find_task(ctx, TaskId(id)).await?.map(CardSubject::Task),
        CardKind::Order => orders::query::find_order(ctx, OrderId(id)).await?.map(CardSubject::Order),
        CardKind::User => accounts::query::find_user(ctx, UserId(id)).await?.map(CardSubject::User),
        CardKind::Group => groups::query::find_group(ctx, GroupId(id)).await?.map(CardSubject::Group),
    })
}

/// Why the viewer can't send a card, if they may not see what it shows: `NOT_FOUND`.
///
/// # Errors
/// When the database fails.
pub(in crate::domains::chat) async fn check(ctx: &Context<'_>, target: CardTarget) -> AppResult<Option<AppError>> {
    let is_missing = find(ctx, target).await?.is_none();
    Ok(is_missing.then(|| ChatError::NoSuchCard.at("input.content.card").into()))
}

plain!(CardContent {
    "kind" => kind,
    "subjectId" => subject_id,
});
plain_enums!(CardKind);
