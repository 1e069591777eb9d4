//! Plaza from outside: every test speaks to the real router, on a database of its own.

mod accounts;
mod chat;
mod events;
mod harness;
mod live;
mod processes;
