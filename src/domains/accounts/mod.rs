//! Accounts: people, their sign-ins and their passwords.
//!
//! Invariants:
//! - A username is unique whatever its case (`users_username_key`); account numbers start at 10000000.
//! - An unknown account and a wrong password are answered alike, in text and in time.
//! - A refresh token is exchanged once. Presented again within 30 seconds while its successor is unused, it gets the
//!   same successor (a lost answer, a second tab); presented again otherwise, its session is revoked.
//! - A revoked session's access tokens stop on every instance as soon as the event has gone round.
//!
//! A session: live → revoked (logout, reuse, password change) or expired (30 days without a refresh).

pub mod loader;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod types;
