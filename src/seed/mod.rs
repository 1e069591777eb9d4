//! Data to look at ([`demo`]) and to measure with ([`large`]).

mod bulk;
mod contents;
pub mod demo;
mod friends;
mod friendships;
mod groups;
pub mod large;
mod marks;
mod memberships;
mod merchants;
mod money;
mod picture;
mod positions;
mod settings;
mod store;
mod transactions;
mod upload;
mod words;
