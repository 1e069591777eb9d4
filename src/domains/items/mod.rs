//! Items: what people sell and want.
//!
//! Invariants:
//! - An item's state changes by one conditional statement that names the state it leaves: of any number who trade it at
//!   once, one does. The counterparty is never the owner, and an open item has no counterparty
//!   (`items_counterparty_check`).
//! - A traded item is the record of the trade: it can be opened again, or deleted, but not changed.
//! - A deleted item is seen by its owner and administrators alone; nothing brings it back.
//! - Up to nine pictures, in order, each a file of the owner's; a file that is shown can't be deleted.
//! - What makes or changes an item changes what search knows of it in the same transaction.
//!
//! An item: OPEN ⇄ CLOSED (by its owner, or traded) → DELETED; OPEN → DELETED.
//!
//! Locks are taken in this order: the viewer's account (against their leaving), their room for files, items by id, the
//! pictures that are to be shown by id, what search knows of them. Deleting an account locks all items that its user
//! owns or likes at once.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod types;
