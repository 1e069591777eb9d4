//! Relations of two people: the row that all changes between them lock, since when they are friends, and who blocks whom.
//!
//! Invariants:
//! - Two people have one row in `relations`. All that changes between them locks it first ([`service::lock_pair`]): behind
//!   accounts, before requests, friendships and conversations. Dealings only look ([`service::find_blocks`]).
//! - Who is blocked is told nothing. For dealings they get the answer that they get where the other one is not to be had.
//! - Other domains ask here whether two people block each other; `friends` decides what a block brings with it.

pub mod model;
pub mod service;
pub mod store;
