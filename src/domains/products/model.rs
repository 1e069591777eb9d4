//! Rows of products, and what can go wrong with them.

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use serde::Serialize;

use crate::db::schema;
use crate::domains::search::model::{SearchEntry, SearchKind};
use crate::domains::search::words::{Field, SearchDocument};
use crate::error::{Detail, UserError, UserErrorCode};
use crate::ids::{MediaId, ProductId};
use crate::money::Money;
use crate::validation::{DomainError, Patch};

/// What the store has.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::products)]
pub struct Product {
    /// Key.
    pub id: ProductId,
    /// What it is called.
    pub name: String,
    /// What it takes.
    pub price: Money,
    /// How many can be had.
    pub stock: i32,
    /// All that was ever put in.
    pub supplied: i64,
    /// Its picture.
    pub image_id: MediaId,
    /// When it was taken out.
    pub deleted_at: Option<DateTime<Utc>>,
    /// When it was put in.
    pub created_at: DateTime<Utc>,
    /// When what it is last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<&Product> for SearchEntry {
    fn from(product: &Product) -> Self {
        let document = SearchDocument::new(&[(product.name.as_str(), Field::Title)]);
        Self { kind: SearchKind::Product, subject_id: product.id.0, boost: 1.0, document }
    }
}

/// A product to be.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::products)]
pub struct NewProduct {
    /// What it is called.
    pub name: String,
    /// What it takes.
    pub price: Money,
    /// How many there are.
    pub stock: i32,
    /// As many.
    pub supplied: i64,
    /// Its picture.
    pub image_id: MediaId,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// Now.
    pub updated_at: DateTime<Utc>,
}

/// What a product is said to be.
#[derive(Clone, Debug, Serialize)]
pub struct CreateProduct {
    /// What it is called.
    pub name: String,
    /// What it takes.
    pub price: Money,
    /// How many there are.
    pub stock: i32,
    /// Its picture.
    pub image: MediaId,
}

/// Changes of a product's row; none keeps.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = schema::products)]
pub struct ProductChanges {
    /// What it is called.
    pub name: Option<String>,
    /// What it takes.
    pub price: Option<Money>,
    /// How many can be had.
    pub stock: Option<i32>,
    /// All that was ever put in.
    pub supplied: Option<i64>,
    /// Its picture.
    pub image_id: Option<MediaId>,
    /// When it is taken out.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Now.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What an administrator changes about a product.
#[derive(Clone, Debug, Default)]
pub struct UpdateProduct {
    /// What it is called.
    pub name: Patch<String>,
    /// What it takes.
    pub price: Patch<Money>,
    /// How many can be had.
    pub stock: Patch<i32>,
    /// How many could be had when the administrator looked.
    pub expected_stock: Patch<i32>,
    /// By how much the stock changes.
    pub stock_delta: Patch<i32>,
    /// Its picture.
    pub image: Patch<MediaId>,
}

/// What becomes of a product's stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StockChange {
    /// What it has to be before.
    pub expected: Option<i32>,
    /// What it becomes.
    pub to: Option<i32>,
    /// By how much it changes.
    pub by: Option<i32>,
}

impl UpdateProduct {
    /// Whether it says anything.
    #[must_use]
    pub fn changes_content(&self) -> bool {
        let Self { name, price, stock, stock_delta, image, expected_stock: _ } = self;
        !(name.is_keep() && price.is_keep() && stock.is_keep() && stock_delta.is_keep() && image.is_keep())
    }
}

/// Which products a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct ProductFilter {
    /// Words to look for.
    pub query: Option<String>,
    /// Whether there are any left.
    pub in_stock: Option<bool>,
    /// From this price.
    pub min_price: Option<Money>,
    /// Up to this price.
    pub max_price: Option<Money>,
}

/// What a list of products is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize)]
pub enum ProductOrderField {
    /// When they were put in.
    CreatedAt,
    /// What they take.
    Price,
    /// What they are called, character by character.
    Name,
}

/// The order of a list of products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ProductSort {
    /// By what.
    pub field: ProductOrderField,
    /// The largest first.
    pub descending: bool,
}

/// What can go wrong with a product, for the person to act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProductError {
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Required,
    /// No such product, or no more.
    #[error("There is no such product.")]
    NoSuchProduct,
    /// Less than nothing, or more than is counted.
    #[error("A stock is 0 to {0}.")]
    StockOutOfRange(i32),
    /// More than a stock can change by.
    #[error("A stock changes by -{0} to {0}.")]
    DeltaOutOfRange(i32),
    /// A new stock, without the one that it replaces.
    #[error("Give the stock that you saw along with the new one, or stockDelta in place of both.")]
    ExpectedStockMissing,
    /// Not what the administrator saw.
    #[error("The stock has changed: it is {0} now.")]
    StockChanged(i32),
    /// Two ways to change it.
    #[error("Give stock or stockDelta, not both.")]
    StockGivenTwice,
    /// Not what the buyer saw.
    #[error("The price has changed: it is {0} now.")]
    PriceChanged(Money),
    /// Too few are left.
    #[error("Nothing of it is left.")]
    OutOfStock(i32),
}

impl DomainError for ProductError {
    fn required() -> Self {
        Self::Required
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Required | Self::ExpectedStockMissing => UserErrorCode::Required,
            Self::StockGivenTwice => UserErrorCode::InvalidInput,
            Self::NoSuchProduct => UserErrorCode::NotFound,
            Self::StockOutOfRange(_) | Self::DeltaOutOfRange(_) => UserErrorCode::OutOfRange,
            Self::PriceChanged(_) | Self::StockChanged(_) => UserErrorCode::Conflict,
            Self::OutOfStock(_) => UserErrorCode::OutOfStock,
        };
        let error = UserError::new(code, self.to_string(), path);
        let detail = match *self {
            Self::OutOfStock(available) => Detail::Stock(available),
            Self::PriceChanged(price) => Detail::Current(price.to_string()),
            Self::StockChanged(stock) => Detail::Current(stock.to_string()),
            _ => return error,
        };
        UserError { detail: Some(detail), ..error }
    }
}
