//! Data to look at ([`demo`]) and to measure with ([`large`]).

mod bulk;
pub mod demo;
mod friends;
mod friendships;
pub mod large;
mod money;
mod picture;
mod store;
mod transactions;
mod upload;
mod words;
