//! Whether people are online, and when they were last.
//!
//! Invariants:
//! - A user is online while they have a subscription on any instance. That is stored nowhere: instances tell each other
//!   ([`PresenceBoard`](crate::events::presence::PresenceBoard)). When they were last online is remembered in memory; from before
//!   that, it is when one of their sessions was last used.
//! - Friends see it, unless the user says otherwise in their profile. Neither of two people sees it while one blocks the other.
//!   Those who may not see it get the same answer whether the user is online or not.

pub mod loader;
pub mod model;
pub mod query;
pub mod service;
pub mod store;
pub mod subscription;
pub mod types;
