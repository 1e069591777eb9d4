//! Wallets: what people have, and the ledger that says why.
//!
//! Invariants:
//! - Money only moves: every movement is a transfer whose entries sum to zero, between people's balances, what tasks hold,
//!   the store, and the world outside. A trigger looks at the sum when the transaction ends (`ledger_transfers_sum_check`).
//! - The ledger is only ever added to, by privilege and by trigger. A mistake is put right by another transfer.
//! - A balance is the sum of its person's entries, and each entry says what it was after it; what is held is the sum of
//!   what their open and accepted tasks hold. Both stand in `wallets`, are never below zero, and are changed in the same
//!   statement as the entries are made.
//! - A task's reward is given back or paid once (`ledger_transfers_settled_key`), an order is paid and its money given
//!   back once (`ledger_transfers_order_key`).
//! - Recharging and adjusting fill a wallet up to a bound; what is owed to a person (a refund, a reward) goes over it.
//! - The store, the tasks and the world outside have no row of their own, which all money would wait for: their sums are
//!   made when `plaza audit` asks.
//!
//! Wallets are the last that a transaction locks, but for what search knows: in the order of their owners' ids, after the
//! tasks, products and orders that the money is for.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod types;
