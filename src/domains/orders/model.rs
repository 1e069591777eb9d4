//! Rows and enums of orders, and what can go wrong with them.

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use serde::Serialize;

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::error::{Detail, UserError, UserErrorCode};
use crate::ids::{MediaId, OrderId, ProductId, UserId};
use crate::money::Money;
use crate::validation::{DomainError, Patch};

pg_enum! {
    /// What became of an order. PENDING: SHIPPED by an administrator, CANCELLED by the buyer or an administrator. SHIPPED:
    /// COMPLETED by the buyer or an administrator, REFUNDED by an administrator. COMPLETED: REFUNDED by an administrator.
    #[derive(Enum, Serialize)]
    pub enum OrderStatus: sql_types::OrderStatus {
        /// Paid, and to be sent.
        Pending = "PENDING",
        /// On its way.
        Shipped = "SHIPPED",
        /// Received.
        Completed = "COMPLETED",
        /// Called off before it was sent: the piece is in stock again, the money given back.
        Cancelled = "CANCELLED",
        /// The money was given back after it was sent.
        Refunded = "REFUNDED",
    }
}

/// What the viewer may do with an order now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderAction {
    /// `updateOrder` with an address.
    EditAddress,
    /// `updateOrder` with a tracking number. Correcting the number of a shipped order is none.
    Ship,
    /// `confirmOrder`.
    Confirm,
    /// `cancelOrder`.
    Cancel,
    /// `refundOrder`.
    Refund,
}

/// What a user exchanged their balance for.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::orders)]
pub struct Order {
    /// Key.
    pub id: OrderId,
    /// Whose it is.
    pub buyer_id: UserId,
    /// What was exchanged.
    pub product_id: ProductId,
    /// What it was called.
    pub product_name: String,
    /// What it took.
    pub price: Money,
    /// Its picture.
    pub image_id: MediaId,
    /// Where it goes.
    pub address: String,
    /// What finds it on its way.
    pub tracking_number: Option<String>,
    /// What became of it.
    pub status: OrderStatus,
    /// Whether its piece is in stock again.
    pub restocked: bool,
    /// When it was ordered.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Order {
    /// The number that people call it by: the day, and its place among all orders.
    #[must_use]
    pub fn number(&self) -> String {
        format!("{}{:06}", self.created_at.format("%Y%m%d"), self.id.0)
    }
}

/// An order to be.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::orders)]
pub struct NewOrder<'a> {
    /// Whose it is.
    pub buyer_id: UserId,
    /// What is exchanged.
    pub product_id: ProductId,
    /// What it is called.
    pub product_name: &'a str,
    /// What it takes.
    pub price: Money,
    /// Its picture.
    pub image_id: MediaId,
    /// Where it goes.
    pub address: &'a str,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// Now.
    pub updated_at: DateTime<Utc>,
}

/// Changes of an order's row; none keeps.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = schema::orders)]
pub struct OrderChanges {
    /// Where it goes.
    pub address: Option<String>,
    /// What finds it on its way.
    pub tracking_number: Option<String>,
    /// What becomes of it.
    pub status: Option<OrderStatus>,
    /// Whether its piece is in stock again.
    pub restocked: Option<bool>,
    /// Now.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A line of an order's history.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::order_events)]
pub struct OrderEvent {
    /// Whose history.
    pub order_id: OrderId,
    /// Who did it.
    pub actor_id: Option<UserId>,
    /// As it was.
    pub from_status: Option<OrderStatus>,
    /// As it became.
    pub to_status: OrderStatus,
    /// What they said of it.
    pub note: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Where it went before, of a change of address; empty once its buyer has left.
    pub from_address: Option<String>,
    /// Where it goes from then on, of a change of address; empty once its buyer has left.
    pub to_address: Option<String>,
}

/// A line of an order's history to be.
#[derive(Clone, Copy, Debug, Insertable)]
#[diesel(table_name = schema::order_events)]
pub struct NewOrderEvent<'a> {
    /// Whose history.
    pub order_id: OrderId,
    /// Who does it.
    pub actor_id: UserId,
    /// As it was.
    pub from_status: Option<OrderStatus>,
    /// As it becomes.
    pub to_status: OrderStatus,
    /// What they say of it.
    pub note: Option<&'a str>,
    /// Now.
    pub at: DateTime<Utc>,
    /// Where it went, of a change of address.
    pub from_address: Option<&'a str>,
    /// Where it goes, of a change of address.
    pub to_address: Option<&'a str>,
}

/// What changes about an order, but for its end.
#[derive(Clone, Debug, Default)]
pub struct UpdateOrder {
    /// Where it goes.
    pub address: Patch<String>,
    /// Where it went when it was looked at.
    pub expected_address: Patch<String>,
    /// What finds it on its way; ships it.
    pub tracking_number: Patch<String>,
}

/// What changes about an order, checked but for its state.
#[derive(Clone, Debug, Default)]
pub struct OrderEdit {
    /// Where it goes.
    pub address: Option<String>,
    /// Where it has to go before.
    pub expected_address: Option<String>,
    /// What finds it on its way.
    pub tracking_number: Option<String>,
}

/// Which orders a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct OrderFilter {
    /// In one of these states.
    pub status: Option<Vec<OrderStatus>>,
    /// Of this person.
    pub buyer_id: Option<UserId>,
    /// Ordered from then.
    pub created_from: Option<DateTime<Utc>>,
    /// Ordered until then.
    pub created_to: Option<DateTime<Utc>>,
}

/// What can go wrong with an order, for the person to act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Required,
    /// Nothing to do.
    #[error("Give an address, a tracking number, or both.")]
    NothingGiven,
    /// No such order, or not for the viewer to see.
    #[error("There is no such order.")]
    NoSuchOrder,
    /// Nowhere to send it.
    #[error("There is no address to send it to: give one, or have one in your profile.")]
    AddressRequired,
    /// The money has no wallet to go back to.
    #[error("Its buyer has left: there is nobody to give the money back to.")]
    BuyerLeft,
    /// Sent without saying where to.
    #[error("Say which address it was packed for: expectedAddress.")]
    ExpectedAddressMissing,
    /// It goes elsewhere by now.
    #[error("The address has changed: it is {0} now.")]
    AddressChanged(String),
    /// Its history has no room for more.
    #[error("The address of an order changes at most {0} times: ask support.")]
    TooManyAddresses(i64),
    /// An administrator's own order.
    #[error("Administrators don't do this with their own orders: another one has to.")]
    OwnOrder,
    /// An administrator's.
    #[error("Only an administrator can do this.")]
    NotAdmin,
    /// It was sent, or is over.
    #[error("The address can be changed while an order is PENDING; this one is {}.", .0.name())]
    AddressFixed(OrderStatus, Vec<OrderStatus>),
    /// The state can't be changed to that.
    #[error("An order that is {} can't become {}.", .from.name(), .to.name())]
    IllegalTransition {
        /// As it is.
        from: OrderStatus,
        /// As it was to be.
        to: OrderStatus,
        /// What the actor can make of it.
        allowed: Vec<OrderStatus>,
    },
}

impl DomainError for OrderError {
    fn required() -> Self {
        Self::Required
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Required | Self::NothingGiven | Self::ExpectedAddressMissing => UserErrorCode::Required,
            Self::NoSuchOrder => UserErrorCode::NotFound,
            Self::AddressRequired => UserErrorCode::AddressRequired,
            Self::BuyerLeft | Self::AddressChanged(_) | Self::TooManyAddresses(_) => UserErrorCode::Conflict,
            Self::OwnOrder => UserErrorCode::SelfTarget,
            Self::NotAdmin => UserErrorCode::Forbidden,
            Self::AddressFixed(..) | Self::IllegalTransition { .. } => UserErrorCode::IllegalTransition,
        };
        let error = UserError::new(code, self.to_string(), path);
        let (from, to, allowed) = match self {
            Self::IllegalTransition { from, to, allowed } => (*from, *to, allowed),
            // Where it would have to be.
            Self::AddressFixed(from, allowed) => (*from, OrderStatus::Pending, allowed),
            Self::AddressChanged(address) => {
                return UserError { detail: Some(Detail::Current(address.clone())), ..error };
            }
            _ => return error,
        };
        let allowed = allowed.iter().map(|status| status.name()).collect();
        UserError { detail: Some(Detail::Transition { from: from.name(), to: to.name(), allowed }), ..error }
    }
}
