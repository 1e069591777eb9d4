//! What products may be.

use super::model::{CreateProduct, Product, ProductChanges, ProductError, StockChange, UpdateProduct};
use crate::error::UserError;
use crate::money::Money;
use crate::price::check_price;
use crate::text::check_line;
use crate::validation::Validation;

const LONGEST_NAME: usize = 100;
const MOST_STOCK: i32 = 100_000_000;

/// Nothing is given away: an order is paid.
const LEAST_PRICE: Money = Money::from_fen(1);

fn check_stock(stock: i32) -> Result<(), ProductError> {
    if (0..=MOST_STOCK).contains(&stock) { Ok(()) } else { Err(ProductError::StockOutOfRange(MOST_STOCK)) }
}

fn check_delta(delta: i32) -> Result<(), ProductError> {
    if (-MOST_STOCK..=MOST_STOCK).contains(&delta) { Ok(()) } else { Err(ProductError::DeltaOutOfRange(MOST_STOCK)) }
}

/// Checks what a product is said to be.
///
/// # Errors
/// All that is wrong with it.
pub fn validate_create(draft: &CreateProduct) -> Result<(), Vec<UserError>> {
    let mut validation = Validation::default();
    validation.check(check_line(&draft.name, LONGEST_NAME), "input.name");
    validation.check(check_price(draft.price, LEAST_PRICE), "input.price");
    validation.check(check_stock(draft.stock), "input.stock");
    validation.into_result()
}

/// Checks what an administrator changes: the row but for its stock, and the stock, which depends on what it is then.
///
/// # Errors
/// All that is wrong with it.
pub fn validate_update(update: UpdateProduct) -> Result<(ProductChanges, StockChange), Vec<UserError>> {
    let UpdateProduct { name, price, stock, expected_stock, stock_delta, image } = update;
    let mut validation = Validation::default();
    let names_expected = !expected_stock.is_keep();
    let name = validation.required(name, "input.name", |name| check_line(name, LONGEST_NAME));
    let changes = ProductChanges {
        name: name.map(|name| name.trim().to_owned()),
        price: validation.required(price, "input.price", |price| check_price(*price, LEAST_PRICE)),
        image_id: validation.required(image, "input.imageId", |_| Ok::<_, ProductError>(())),
        // Set once the product is locked.
        stock: None,
        supplied: None,
        deleted_at: None,
        updated_at: None,
    };
    let stock = StockChange {
        expected: validation.required(expected_stock, "input.expectedStock", |_| Ok::<_, ProductError>(())),
        to: validation.required(stock, "input.stock", |stock| check_stock(*stock)),
        by: validation.required(stock_delta, "input.stockDelta", |delta| check_delta(*delta)),
    };
    if stock.to.is_some() && stock.by.is_some() {
        validation.check(Err::<(), _>(ProductError::StockGivenTwice), "input.stockDelta");
    } else if stock.to.is_some() && !names_expected {
        validation.check(Err::<(), _>(ProductError::ExpectedStockMissing), "input.expectedStock");
    }
    validation.into_result().map(|()| (changes, stock))
}

/// The stock of a product that is held after a change; none where it stays.
///
/// # Errors
/// [`ProductError::StockChanged`], [`ProductError::StockOutOfRange`], each with the argument at fault.
pub fn next_stock(present: i32, change: StockChange) -> Result<Option<i32>, (ProductError, &'static str)> {
    if change.expected.is_some_and(|expected| expected != present) {
        return Err((ProductError::StockChanged(present), "input.expectedStock"));
    }
    let Some(delta) = change.by else { return Ok(change.to) };
    let next = present.saturating_add(delta);
    check_stock(next).map(|()| Some(next)).map_err(|error| (error, "input.stockDelta"))
}

/// Whether a piece can be had at the price that was seen.
///
/// # Errors
/// [`ProductError::PriceChanged`], [`ProductError::OutOfStock`], each with the argument at fault.
pub fn check_exchange(product: &Product, expected: Option<Money>) -> Result<(), (ProductError, &'static str)> {
    if expected.is_some_and(|expected| expected != product.price) {
        return Err((ProductError::PriceChanged(product.price), "expectedPrice"));
    }
    if product.stock < 1 { Err((ProductError::OutOfStock(product.stock), "id")) } else { Ok(()) }
}
