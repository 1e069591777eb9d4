//! Accounts: people and their profiles, contacts, sign-ins, passwords and one-time codes.
//!
//! Invariants:
//! - A username is unique regardless of case (`users_username_key`), as is a contact (`users_email_key`,
//!   `users_phone_key`); account numbers start at 10000000.
//! - A contact on the account's row is what it signs in by; a new one waits in the profile until it is proven, by code or
//!   link. Without that proof nothing tells whose it is.
//! - An unknown account and a wrong password are answered alike, in text and in time.
//! - A code is tried ten times at most from the network that asked for it and ten times from elsewhere, and used up once, in the
//!   transaction of what it is good for; one address has three tries at a contact's codes, until a new one is sent. A captcha is
//!   tried once. Of both only an HMAC is stored.
//! - A session is opened only while its account's row is held and may be signed in to: none outlives a suspension, a new
//!   password or a departure that it raced with.
//! - A refresh token is exchanged once. Presented again within 30 seconds while its successor is unused, it gets the
//!   same successor (a lost answer, a second tab); presented again otherwise, its session is revoked.
//! - A revoked session's access tokens stop on every instance as soon as the event has gone round.
//!
//! A session: live → signed out, revoked (from elsewhere, reuse, new password, departure), suspended, or expired (30 days
//! without a refresh).
//!
//! Locks are taken in this order: a code, the account's row, its profile, its sessions; when a user leaves, then the items
//! they put up or like, and their files.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod types;
