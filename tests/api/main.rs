//! Plaza from outside: every test speaks to the real router, on a database of its own.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

mod accounts;
mod administration;
mod captchas;
mod chat;
mod clients;
mod codes;
mod contacts;
mod documents;
mod engine;
mod events;
mod harness;
mod hostile;
mod house;
mod http;
mod live;
mod mail;
mod membership;
mod pages;
mod permissions;
mod persisted;
mod processes;
mod profiles;
mod properties;
mod rates;
mod readme;
mod sessions;
mod sockets;
mod sse;
mod statements;
mod tokens;
mod uploads;
