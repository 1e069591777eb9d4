//! Tasks: help that people ask for, and pay for.
//!
//! Invariants:
//! - While a task is open or accepted its reward is held: it has left the publisher's balance, and nobody else has it. It
//!   is given back or paid in the transaction that ends the task, once (`ledger_transfers_settled_key`).
//! - A task's state changes while its row is held: of any number who accept it at once, one does. Nobody takes on their
//!   own (`tasks_own_check`).
//! - Only an open task is changed; a changed price changes what is held.
//! - A cancelled task is seen by its publisher, whoever was about to do it, and administrators.
//! - Whoever leaves has ended their tasks before (`accounts::service::leaving`).
//!
//! A task: OPEN ⇄ ACCEPTED (abandoned by the assignee; released by the publisher after seven days, by an administrator at
//! any time) → FINISHED by the publisher; OPEN → CANCELLED by the publisher, OPEN or ACCEPTED → CANCELLED by an
//! administrator.
//!
//! Locks are taken in this order: the viewer's account, their idempotency key, the task, its new pictures, wallets, what
//! search knows of it.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod subscription;
pub mod types;
