//! Data to look at ([`demo`]) and to measure with ([`large`]).

pub mod demo;
pub mod large;
mod money;
mod picture;
mod store;
mod transactions;
mod words;
