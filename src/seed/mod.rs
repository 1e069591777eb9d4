//! Data to look at ([`demo`]) and to measure with ([`large`]).

mod bulk;
pub mod demo;
mod friends;
mod friendships;
mod groups;
pub mod large;
mod memberships;
mod merchants;
mod money;
mod picture;
mod positions;
mod store;
mod transactions;
mod upload;
mod words;
