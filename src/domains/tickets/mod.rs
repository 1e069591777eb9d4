//! Tickets: questions to the community's support.
//!
//! Invariants:
//! - A ticket is its author's, support's and the administrators'.
//! - Its state changes while its row is held: answered by support, as often as needed; closed by its author or support;
//!   asked again by its author.
//! - Nothing that was asked or answered is lost: each is a line of its own, at most [`policy::LINE_LIMIT`]. The ticket's row
//!   keeps the first question and the last answer.
//! - The words of all lines are made as search makes them, in the statement that changes the ticket's state.
//! - A person who repeats exactly what they did last gets the same answer, and nothing changes.
//!
//! A ticket: OPEN → ANSWERED ⟲ → CLOSED; OPEN → CLOSED; ANSWERED and CLOSED → OPEN by its author, with more to say.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod subscription;
pub mod types;
