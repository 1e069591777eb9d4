//! Tickets: questions to the community's support.
//!
//! Invariants:
//! - A ticket is its author's, support's and the administrators'.
//! - Its state changes while its row is held: answered by support, as often as needed; closed by its author or support, for
//!   good.
//! - The words of question and answer are made as search makes them, in the statement that writes them.
//!
//! A ticket: OPEN → ANSWERED ⟲ → CLOSED; OPEN → CLOSED.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod subscription;
pub mod types;
