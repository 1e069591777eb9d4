//! Leaving: the one use case that needs every domain.
//!
//! One transaction, in this order: the account is locked first, so that nothing more of theirs can be made; then each domain
//! erases or hides what is theirs.

pub mod mutation;
pub mod service;
