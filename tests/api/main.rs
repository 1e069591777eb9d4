//! Plaza from outside: every test speaks to the real router, on a database of its own.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

mod accounts;
mod chat;
mod clients;
mod engine;
mod events;
mod harness;
mod house;
mod http;
mod live;
mod membership;
mod pages;
mod processes;
mod readme;
mod statements;
mod uploads;
