//! GraphQL types of products.

use std::sync::Arc;

use async_graphql::{ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::model::{self, CreateProduct, ProductOrderField, ProductSort, UpdateProduct};
use crate::domains::media::loader::MediaById;
use crate::domains::media::types::{Media, picture};
use crate::graphql::eager::{Relation, plain};
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::ranges::{DecimalRange, SortDirection};
use crate::graphql::scalars::{DateTime, Decimal, patch};
use crate::validation::Patch;

/// What the points store has.
#[derive(Clone, Debug)]
pub struct Product(pub Arc<model::Product>);

impl From<model::Product> for Product {
    fn from(product: model::Product) -> Self {
        Self(Arc::new(product))
    }
}

/// What the points store has.
#[Object(crate = "crate::graphql::eager")]
impl Product {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What it is called.
    fn name(&self) -> &str {
        &self.0.name
    }

    /// What a piece takes, in yuan.
    fn price(&self) -> Decimal {
        Decimal(self.0.price)
    }

    /// How many can be had.
    fn stock(&self) -> i32 {
        self.0.stock
    }

    /// Its picture. Costs a statement for a whole list of products, unless all were seen lately.
    fn image(&self) -> Relation<MediaById, Media> {
        Relation::ByKey { key: self.0.image_id, show: Media }
    }

    /// When it was put into the store.
    fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When what it is last changed; exchanging it is no change.
    fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

plain!(Product [|product: &Product| product.0.id.parts()] {
    "image" => image,
    "name" => name,
    "price" => price,
    "stock" => stock,
    "createdAt" => created_at,
    "updatedAt" => updated_at,
});

/// Which products a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ProductFilter {
    /// Words to look for in names, at most 100 characters; see `search`. At most 1,000 products are found.
    query: Option<String>,
    /// Whether there are any left.
    in_stock: Option<bool>,
    /// Of such a price.
    price: Option<DecimalRange>,
}

impl From<ProductFilter> for model::ProductFilter {
    fn from(ProductFilter { query, in_stock, price }: ProductFilter) -> Self {
        let price = price.unwrap_or_default();
        let (min_price, max_price) = (price.min.map(|amount| amount.0), price.max.map(|amount| amount.0));
        Self { query, in_stock, min_price, max_price }
    }
}

/// The order of a list of products.
#[derive(Clone, Debug, InputObject)]
pub struct ProductOrder {
    /// By what.
    field: ProductOrderField,
    /// Which way.
    #[graphql(default_with = "SortDirection::Desc")]
    direction: SortDirection,
}

impl From<ProductOrder> for ProductSort {
    fn from(ProductOrder { field, direction }: ProductOrder) -> Self {
        Self { field, descending: direction == SortDirection::Desc }
    }
}

/// Something to be put into the store.
#[derive(Clone, Debug, InputObject)]
pub struct CreateProductInput {
    /// What it is called: one line of 1 to 100 characters.
    name: String,
    /// What a piece takes, in yuan: 0.01 to 99999999.99.
    price: Decimal,
    /// How many there are, 0 to 100000000.
    stock: i32,
    /// Global id of a picture among the viewer's files.
    image_id: ID,
}

impl From<CreateProductInput> for CreateProduct {
    fn from(CreateProductInput { name, price, stock, image_id }: CreateProductInput) -> Self {
        Self { name, price: price.0, stock, image: picture(&image_id) }
    }
}

/// What changes about a product. Omitted fields keep their value.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateProductInput {
    /// What it is called: one line of 1 to 100 characters.
    name: MaybeUndefined<String>,
    /// What a piece takes, in yuan: 0.01 to 99999999.99. Orders keep theirs.
    price: MaybeUndefined<Decimal>,
    /// How many can be had from now on, 0 to 100000000; together with `expectedStock`.
    stock: MaybeUndefined<i32>,
    /// How many could be had when you looked: nothing happens when it is another number now. Needed for `stock`.
    expected_stock: MaybeUndefined<i32>,
    /// By how many pieces the stock changes, up or down, from its present value; in place of `stock`.
    stock_delta: MaybeUndefined<i32>,
    /// Global id of a picture among the viewer's files.
    image_id: MaybeUndefined<ID>,
}

impl From<UpdateProductInput> for UpdateProduct {
    fn from(input: UpdateProductInput) -> Self {
        let UpdateProductInput { name, price, stock, expected_stock, stock_delta, image_id } = input;
        let price: Patch<Decimal> = patch(price);
        let image: Patch<ID> = patch(image_id);
        Self {
            name: patch(name),
            price: price.map(|price| price.0),
            stock: patch(stock),
            expected_stock: patch(expected_stock),
            stock_delta: patch(stock_delta),
            image: image.map(|id| picture(&id)),
        }
    }
}

/// A product that was put in or changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ProductPayload {
    /// As it is now; null when it was refused.
    product: Option<Product>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<model::Product> for ProductPayload {
    fn from(product: model::Product) -> Self {
        Self { product: Some(product.into()), user_errors: Vec::new() }
    }
}

impl Payload for ProductPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { product: None, user_errors }
    }
}
