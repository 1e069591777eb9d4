//! Orders: what people exchanged their balance for, and what became of it.
//!
//! Invariants:
//! - An order, the piece it takes from the stock and the money that pays for it come in one transaction. What brings the
//!   piece or the money back does so in the transaction that changes the order's state, once: the piece by `restocked`, the
//!   money by `ledger_transfers_order_key`.
//! - A state changes while the order's row is held, along [`policy::TRANSITIONS`], which also says who may do so. Each
//!   change leaves a line in the order's history, and no state is come to twice (`order_events_order_id_to_status_key`);
//!   so does each change of the address, of which there are at most [`policy::ADDRESS_CHANGE_LIMIT`].
//! - A person who repeats exactly what they did gets the same answer, and nothing changes ([`policy::repeats`]).
//! - Administrators are buyers like others of what they bought: another one sends it and gives money back.
//! - Name, price and picture are those of the time of the exchange, whether or not the product changes later.
//! - An order is its buyer's and the administrators'.
//!
//! An order: PENDING → SHIPPED by an administrator → COMPLETED by its buyer or an administrator; PENDING → CANCELLED by
//! its buyer or an administrator (piece and money back); SHIPPED or COMPLETED → REFUNDED by an administrator (money back,
//! the piece when they say so).
//!
//! Locks are taken in this order: the viewer's account, their idempotency key, the buyer's account where money goes back to
//! them, the order, its product, wallets. Leaving takes the account for itself first, then its orders.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod subscription;
pub mod types;
