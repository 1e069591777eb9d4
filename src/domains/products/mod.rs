//! Products: what the points store has.
//!
//! Invariants:
//! - Stock is never below zero (`products_stock_check`). It changes while the product's row is held.
//! - `supplied` counts all that was ever put in, less what was taken out by hand. So at any time the stock is `supplied`
//!   less the orders whose piece did not come back.
//! - A deleted product is never shown; its row stays for the orders, which carry their own name, price and picture.
//! - What makes or changes a product changes what search knows of it in the same transaction.
//!
//! Locks are taken in this order: the viewer's account, their idempotency key, an order, its product, wallets, what search
//! knows.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod types;
