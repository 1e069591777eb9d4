//! GraphQL types of orders.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::model::{self, OrderAction, OrderStatus, UpdateOrder};
use super::policy::{self, OrderActor};
use crate::domains::accounts::query::is_admin;
use crate::domains::accounts::types::{User, UserRelation};
use crate::domains::media::loader::MediaById;
use crate::domains::media::types::Media;
use crate::domains::orders::loader::HistoryOf;
use crate::domains::orders::service::place::PlacedOrder;
use crate::domains::products::loader::PresentProduct;
use crate::domains::products::types::Product;
use crate::domains::wallet::types::Wallet;
use crate::error::{AppError, AppResult};
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{Relation, plain, plain_enums, plain_struct};
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::ranges::DateTimeRange;
use crate::graphql::scalars::{DateTime, Decimal, patch, query_id};
use crate::ids::UserId;

/// What a user exchanged their balance for.
#[derive(Clone, Debug)]
pub struct Order(pub Arc<model::Order>);

impl From<model::Order> for Order {
    fn from(order: model::Order) -> Self {
        Self(Arc::new(order))
    }
}

/// What a user exchanged their balance for; for its buyer and administrators.
#[Object(crate = "crate::graphql::eager")]
impl Order {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// The number to call it by, such as `20260131000042`.
    fn number(&self) -> String {
        self.0.number()
    }

    /// Whose it is. Costs a statement for a whole list of orders.
    fn buyer(&self) -> UserRelation {
        User::by_id(self.0.buyer_id)
    }

    /// What was exchanged, as it is now. Null once it was taken out of the store; name, price and picture stay here.
    /// Costs a statement for a whole list of orders.
    async fn product(&self, ctx: &Context<'_>) -> Option<AppResult<Product>> {
        let look = async {
            let loaders = ctx.loaders()?;
            Ok(loaders.find::<PresentProduct>(self.0.product_id).await?.map(Product))
        };
        look.await.transpose()
    }

    /// What it was called.
    fn product_name(&self) -> &str {
        &self.0.product_name
    }

    /// What it took, in yuan.
    fn price(&self) -> Decimal {
        Decimal(self.0.price)
    }

    /// Its picture as it was. Costs a statement for a whole list of orders, unless all were seen lately.
    fn image(&self) -> Relation<MediaById, Media> {
        Relation::ByKey { key: self.0.image_id, show: Media }
    }

    /// Where it goes; empty once its buyer has left.
    fn address(&self) -> &str {
        &self.0.address
    }

    /// What finds it on its way; null until it is sent.
    fn tracking_number(&self) -> Option<&str> {
        self.0.tracking_number.as_deref()
    }

    /// What became of it.
    fn status(&self) -> OrderStatus {
        self.0.status
    }

    /// What the viewer may do with it now. Costs a statement for a whole list of orders.
    async fn available_actions(&self, ctx: &Context<'_>) -> AppResult<Vec<OrderAction>> {
        let viewer = ctx.viewer()?.user_id;
        let is_admin = is_admin(ctx, viewer).await?;
        Ok(policy::available_actions(&self.0, OrderActor { id: viewer, is_admin }))
    }

    /// How it came to its state and its address, from the beginning; at most four lines of states, and 20 of addresses. Costs a statement for a whole list of orders.
    async fn history(&self, ctx: &Context<'_>) -> AppResult<Vec<OrderEvent>> {
        let loaders = ctx.loaders()?;
        let events = loaders.find::<HistoryOf>(self.0.id).await?.unwrap_or_default();
        Ok(events.into_iter().map(OrderEvent).collect())
    }

    /// When it was ordered.
    fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When anything of it last changed.
    fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

plain_enums!(OrderStatus);

plain!(Order [|order: &Order| order.0.id.parts()] {
    "buyer" => buyer,
    "image" => image,
    "number" => number,
    "productName" => product_name,
    "price" => price,
    "address" => address,
    "trackingNumber" => tracking_number,
    "status" => status,
    "createdAt" => created_at,
    "updatedAt" => updated_at,
});

/// A line of an order's history.
pub struct OrderEvent(model::OrderEvent);

/// A line of an order's history.
#[Object(crate = "crate::graphql::eager")]
impl OrderEvent {
    /// When.
    fn at(&self) -> DateTime {
        self.0.at.into()
    }

    /// Who did it. Costs a statement for a whole list of orders.
    fn actor(&self) -> Option<UserRelation> {
        self.0.actor_id.map(User::by_id)
    }

    /// The state it left; null for the first.
    fn from(&self) -> Option<OrderStatus> {
        self.0.from_status
    }

    /// The state it came to; the same as before where only its address changed.
    fn to(&self) -> OrderStatus {
        self.0.to_status
    }

    /// The reason that was given, if any.
    fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// Where it went before, of a change of address; empty once the buyer has left, null for a change of state.
    async fn from_address(&self) -> Option<&str> {
        self.0.from_address.as_deref()
    }

    /// Where it goes since, of a change of address; empty once the buyer has left, null for a change of state.
    fn to_address(&self) -> Option<&str> {
        self.0.to_address.as_deref()
    }
}

plain!(OrderEvent {
    "actor" => actor,
    "at" => at,
    "from" => from,
    "to" => to,
    "note" => note,
    "toAddress" => to_address,
});

/// Which orders a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct OrderFilter {
    /// In one of these states; in any where it is left out.
    status: Option<Vec<OrderStatus>>,
    /// Of this person, by their global id.
    buyer_id: Option<ID>,
    /// Ordered in this time.
    created_at: Option<DateTimeRange>,
}

impl TryFrom<OrderFilter> for model::OrderFilter {
    type Error = AppError;

    fn try_from(OrderFilter { status, buyer_id, created_at }: OrderFilter) -> AppResult<Self> {
        let created = created_at.unwrap_or_default();
        let buyer_id = buyer_id.map(|id| query_id(UserId::parse, &id, "filter.buyerId")).transpose()?;
        Ok(Self { status, buyer_id, created_from: created.first(), created_to: created.last() })
    }
}

/// What changes about an order: one of the two, or both. Omitted fields keep their value.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateOrderInput {
    /// Where it goes, 1 to 200 characters; while it is PENDING.
    address: MaybeUndefined<String>,
    /// Where it went when you looked: nothing happens when it goes elsewhere now. Needed to ship it: the address that it was
    /// packed for.
    expected_address: MaybeUndefined<String>,
    /// What finds it on its way: one line of 1 to 64 characters, from an administrator. Ships a PENDING order, and corrects
    /// the number of a SHIPPED one.
    tracking_number: MaybeUndefined<String>,
}

impl From<UpdateOrderInput> for UpdateOrder {
    fn from(UpdateOrderInput { address, expected_address, tracking_number }: UpdateOrderInput) -> Self {
        Self {
            address: patch(address),
            expected_address: patch(expected_address),
            tracking_number: patch(tracking_number),
        }
    }
}

/// An order that was changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct OrderPayload {
    /// As it is now; null when it was refused.
    order: Option<Order>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<model::Order> for OrderPayload {
    fn from(order: model::Order) -> Self {
        Self { order: Some(order.into()), user_errors: Vec::new() }
    }
}

impl Payload for OrderPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { order: None, user_errors }
    }
}

/// A balance that was exchanged for a product.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ExchangePayload {
    /// The order; null when it was refused.
    order: Option<Order>,
    /// The product, one piece less in stock; null when it was refused, or the product was taken out meanwhile.
    product: Option<Product>,
    /// The viewer's wallet after it; null when it was refused.
    wallet: Option<Wallet>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<PlacedOrder> for ExchangePayload {
    fn from(PlacedOrder { order, product, wallet }: PlacedOrder) -> Self {
        Self {
            order: Some(Order(order)),
            product: product.map(Product),
            wallet: wallet.map(Wallet),
            user_errors: Vec::new(),
        }
    }
}

impl Payload for ExchangePayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { order: None, product: None, wallet: None, user_errors }
    }
}

/// An order of the viewer's, or, for administrators, of anybody's, was made or changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct OrderChanged {
    /// The order, as it is when delivered.
    pub order: Order,
}

plain_struct!(OrderChanged { "order" => order });
