//! What products may be.

use super::model::{Product, ProductChanges, ProductDraft, ProductError, ProductUpdate, StockChange};
use crate::error::UserError;
use crate::money::Money;
use crate::price::check_price;
use crate::text::check_line;
use crate::validation::Faults;

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
pub fn judge_draft(draft: &ProductDraft) -> Result<(), Vec<UserError>> {
    let mut faults = Faults::default();
    faults.check(check_line(&draft.name, LONGEST_NAME), "input.name");
    faults.check(check_price(draft.price, LEAST_PRICE), "input.price");
    faults.check(check_stock(draft.stock), "input.stock");
    faults.none()
}

/// Checks what an administrator changes: the row but for its stock, and the stock, which depends on what it is then.
///
/// # Errors
/// All that is wrong with it.
pub fn judge_update(update: ProductUpdate) -> Result<(ProductChanges, StockChange), Vec<UserError>> {
    let mut faults = Faults::default();
    let name = faults.required(update.name, "input.name", |name| check_line(name, LONGEST_NAME));
    let changes = ProductChanges {
        name: name.map(|name| name.trim().to_owned()),
        price: faults.required(update.price, "input.price", |price| check_price(*price, LEAST_PRICE)),
        image_id: faults.required(update.image, "input.imageId", |_| Ok::<_, ProductError>(())),
        ..ProductChanges::default()
    };
    let stock = StockChange {
        expected: faults.required(update.expected_stock, "input.expectedStock", |_| Ok::<_, ProductError>(())),
        to: faults.required(update.stock, "input.stock", |stock| check_stock(*stock)),
        by: faults.required(update.stock_delta, "input.stockDelta", |delta| check_delta(*delta)),
    };
    if stock.to.is_some() && stock.by.is_some() {
        faults.check(Err::<(), _>(ProductError::StockGivenTwice), "input.stockDelta");
    } else if stock.to.is_some() && update.expected_stock.is_none() {
        faults.check(Err::<(), _>(ProductError::ExpectedStockMissing), "input.expectedStock");
    }
    faults.none().map(|()| (changes, stock))
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
