//! Friends: requests, friendships, blocks, and the groups in which people sort their friends.
//!
//! Invariants:
//! - All that changes between two people locks their row in [`relations`](super::relations) first.
//! - A friendship has two rows, one for each of the two, as long as `relations.friends_since` says so. Each counts in its
//!   owner's `friend_counts`, which no more than [`policy::FRIEND_LIMIT`] fit in.
//! - Of two requests that cross, the second one accepts the first. At most one waits in each direction.
//! - A request that waits is over after [`policy::REQUEST_LIFETIME`]; its row says so only once another one follows.
//! - Who is blocked is told nothing: their request waits until it expires, and the one who blocks never sees it. For dealings
//!   they get the answer that they get where the other one is not to be had.
//! - A block hides the friendship from the one who blocks, and from no other user; unblocking shows it again.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod names;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod subscription;
pub mod types;
