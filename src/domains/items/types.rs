//! GraphQL types of items.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::model::{
    self, CreateItem, ItemAction, ItemCard, ItemDirection, ItemOrderField, ItemSort, ItemStatus, UpdateItem,
};
use super::policy;
use crate::domains::accounts::loader::UserById;
use crate::domains::accounts::model::Role;
use crate::domains::accounts::types::{User, UserRelation};
use crate::domains::media::loader::MediaById;
use crate::domains::media::types::{Media, pictures};
use crate::error::{AppError, AppResult};
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{RelationList, plain, plain_enums, plain_struct};
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::ranges::{DateTimeRange, DecimalRange, SortDirection};
use crate::graphql::scalars::{DateTime, Decimal, patch, query_id};
use crate::ids::UserId;
use crate::validation::Patch;

/// Something that a user sells or is looking for.
#[derive(Clone, Debug)]
pub struct Item(pub Arc<ItemCard>);

impl From<ItemCard> for Item {
    fn from(card: ItemCard) -> Self {
        Self(Arc::new(card))
    }
}

/// Something that a user sells or is looking for.
#[Object(crate = "crate::graphql::eager")]
impl Item {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.item.id.global()
    }

    /// Who sells it, or is looking for it.
    fn owner(&self) -> UserRelation {
        User::by_id(self.0.item.owner_id)
    }

    /// What it is, in a line.
    fn title(&self) -> &str {
        &self.0.item.title
    }

    /// The kind of thing, a number whose meaning is the community's own.
    fn category(&self) -> i32 {
        self.0.item.category
    }

    /// What it costs, in yuan.
    fn price(&self) -> Decimal {
        Decimal(self.0.item.price)
    }

    /// Its pictures, in their owner's order, at most nine. Costs a statement for a whole list of items, unless all were
    /// seen lately.
    fn images(&self) -> RelationList<MediaById, Media> {
        // One may have been taken out and deleted since this was read.
        RelationList::new(self.0.images.clone(), Media)
    }

    /// Condition, 0 to 100 per cent of new.
    fn condition(&self) -> i32 {
        self.0.item.condition.into()
    }

    /// More about it; may be empty.
    fn note(&self) -> &str {
        &self.0.item.note
    }

    /// Whether it is sold or looked for.
    fn direction(&self) -> ItemDirection {
        self.0.item.direction
    }

    /// What became of it.
    fn status(&self) -> ItemStatus {
        self.0.item.status
    }

    /// Who took it; null while it is open, and when its owner closed it. Costs a statement for a whole list of items.
    fn counterparty(&self) -> Option<UserRelation> {
        self.0.item.counterparty_id.map(User::by_id)
    }

    /// Whether it is among the viewer's favorites; false when signed out.
    fn is_favorite(&self) -> bool {
        self.0.is_favorite
    }

    /// How many people have it among their favorites.
    fn favorite_count(&self) -> i32 {
        self.0.item.favorite_count
    }

    /// When it was closed; null while it is open.
    fn closed_at(&self) -> Option<DateTime> {
        self.0.item.closed_at.map(Into::into)
    }

    /// What the viewer may do with it now; nothing when signed out. Costs a statement for a whole list of items.
    async fn available_actions(&self, ctx: &Context<'_>) -> AppResult<Vec<ItemAction>> {
        let item = &self.0.item;
        let viewer = ctx.requester()?.viewer.map(|viewer| viewer.user_id);
        let is_admin = match viewer {
            Some(viewer) if viewer != item.owner_id => {
                let loaders = ctx.loaders()?;
                loaders.find::<UserById>(viewer).await?.is_some_and(|user| user.role == Role::Admin)
            }
            _ => false,
        };
        Ok(policy::available_actions(item, viewer, is_admin))
    }

    /// When it was put up.
    fn created_at(&self) -> DateTime {
        self.0.item.created_at.into()
    }

    /// When what it is or what became of it last changed.
    fn updated_at(&self) -> DateTime {
        self.0.item.updated_at.into()
    }
}

plain_enums!(ItemDirection, ItemStatus);

plain!(Item [|item: &Item| item.0.item.id.parts()] {
    "images" => images,
    "counterparty" => counterparty,
    "owner" => owner,
    "title" => title,
    "category" => category,
    "price" => price,
    "condition" => condition,
    "note" => note,
    "direction" => direction,
    "status" => status,
    "isFavorite" => is_favorite,
    "favoriteCount" => favorite_count,
    "closedAt" => closed_at,
    "createdAt" => created_at,
    "updatedAt" => updated_at,
});

/// Which items a list has; all that is given has to hold. Deleted items are there only where `status` asks for them, or
/// in the list of one owner's items, and only for that owner and administrators.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ItemFilter {
    /// Words to look for in titles and notes, at most 100 characters; see `search`. At most 1,000 items are found.
    query: Option<String>,
    /// Sold or looked for.
    direction: Option<ItemDirection>,
    /// In one of these states; open and closed ones where it is left out.
    status: Option<Vec<ItemStatus>>,
    /// Of one of these kinds, at most 20.
    category: Option<Vec<i32>>,
    /// Of such a price.
    price: Option<DecimalRange>,
    /// Of this person, by their global id.
    owner_id: Option<ID>,
    /// Of at least this condition, 0 to 100 per cent of new.
    min_condition: Option<i32>,
    /// Put up in this time.
    created_at: Option<DateTimeRange>,
}

impl TryFrom<ItemFilter> for model::ItemFilter {
    type Error = AppError;

    fn try_from(filter: ItemFilter) -> AppResult<Self> {
        let ItemFilter { query, direction, status, category, price, owner_id, min_condition, created_at } = filter;
        let owner_id = owner_id.map(|id| query_id(UserId::parse, &id, "filter.ownerId")).transpose()?;
        let (price, created) = (price.unwrap_or_default(), created_at.unwrap_or_default());
        Ok(Self {
            query,
            direction,
            status,
            category,
            min_price: price.min.map(|amount| amount.0),
            max_price: price.max.map(|amount| amount.0),
            owner_id,
            min_condition,
            created_from: created.first(),
            created_to: created.last(),
        })
    }
}

/// The order of a list of items.
#[derive(Clone, Debug, InputObject)]
pub struct ItemOrder {
    /// By what.
    field: ItemOrderField,
    /// Which way.
    #[graphql(default_with = "SortDirection::Desc")]
    direction: SortDirection,
}

impl From<ItemOrder> for ItemSort {
    fn from(ItemOrder { field, direction }: ItemOrder) -> Self {
        Self { field, descending: direction == SortDirection::Desc }
    }
}

/// Something to be put up.
#[derive(Clone, Debug, InputObject)]
pub struct CreateItemInput {
    /// What it is: one line of 1 to 100 characters.
    title: String,
    /// The kind of thing, 0 or more; what the numbers mean is the community's own.
    category: i32,
    /// What it costs, in yuan: 0.00 to 99999999.99.
    price: Decimal,
    /// Condition, 0 to 100 per cent of new.
    condition: i32,
    /// More about it, at most 2000 characters.
    #[graphql(default)]
    note: String,
    /// Whether it is sold or looked for.
    direction: ItemDirection,
    /// Global ids of up to nine pictures among the viewer's files, in the order to show them.
    image_ids: Option<Vec<ID>>,
}

impl From<CreateItemInput> for CreateItem {
    fn from(input: CreateItemInput) -> Self {
        Self {
            title: input.title,
            category: input.category,
            price: input.price.0,
            condition: input.condition,
            note: input.note,
            direction: input.direction,
            images: pictures(input.image_ids.unwrap_or_default()),
        }
    }
}

/// What an owner changes about an item. Omitted fields keep their value.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateItemInput {
    /// What it is: one line of 1 to 100 characters.
    title: MaybeUndefined<String>,
    /// The kind of thing, 0 or more.
    category: MaybeUndefined<i32>,
    /// What it costs, in yuan: 0.00 to 99999999.99.
    price: MaybeUndefined<Decimal>,
    /// Condition, 0 to 100 per cent of new.
    condition: MaybeUndefined<i32>,
    /// More about it, at most 2000 characters.
    note: MaybeUndefined<String>,
    /// Whether it is sold or looked for.
    direction: MaybeUndefined<ItemDirection>,
    /// Global ids of up to nine pictures among the viewer's files, in the order to show them; in place of those it has.
    image_ids: MaybeUndefined<Vec<ID>>,
    /// CLOSED for an open item, OPEN for a closed one, which then has no counterparty any more. Deleting has
    /// `deleteItem`.
    status: MaybeUndefined<ItemStatus>,
}

impl From<UpdateItemInput> for UpdateItem {
    fn from(input: UpdateItemInput) -> Self {
        let price: Patch<Decimal> = patch(input.price);
        let images: Patch<Vec<ID>> = patch(input.image_ids);
        Self {
            title: patch(input.title),
            category: patch(input.category),
            price: price.map(|price| price.0),
            condition: patch(input.condition),
            note: patch(input.note),
            direction: patch(input.direction),
            images: images.map(pictures),
            status: patch(input.status),
        }
    }
}

/// An item that was made or changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ItemPayload {
    /// As it is now; null when it was refused.
    item: Option<Item>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<ItemCard> for ItemPayload {
    fn from(card: ItemCard) -> Self {
        Self { item: Some(card.into()), user_errors: Vec::new() }
    }
}

impl Payload for ItemPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { item: None, user_errors }
    }
}

/// An item was traded: one of the viewer's was taken, or one that they took was opened again by its owner; its `status`
/// says which.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ItemTraded {
    /// The item, as it is when delivered.
    pub item: Item,
}

plain_struct!(ItemTraded { "item" => item });
