//! Plaza from outside: every test speaks to the real router, on a database of its own.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

mod accounts;
mod chat;
mod clients;
mod documents;
mod engine;
mod events;
mod harness;
mod hostile;
mod house;
mod http;
mod live;
mod membership;
mod pages;
mod persisted;
mod processes;
mod properties;
mod rates;
mod readme;
mod sockets;
mod sse;
mod statements;
mod uploads;
