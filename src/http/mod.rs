//! Transport only: HTTP, WebSocket and event streams around a schema.
//!
//! ```text
//! connection ─▶ server ─▶ request_trace ─▶ CORS ─▶ rate_limit ─▶ graphql ─┬─▶ execute ─▶ reply
//!              (limits)    (trace id,               (per IP)              ├─▶ websocket (execute, for each operation)
//!                           panics)                                      └─▶ sse       (execute, then events)
//! ```
//!
//! Independent of Plaza's schema: an [`endpoint::Endpoint`] takes any [`Engine`](crate::graphql::engine::Engine). Also the page that verifies e-mail addresses, and
//! uploaded files.

mod accept;
mod body;
mod client;
mod close_cause;
mod credentials;
pub mod endpoint;
mod execute;
mod graphiql;
mod graphql;
mod health;
mod media;
mod multipart;
mod origin;
mod probes;
mod query_string;
mod rate_limit;
mod reply;
mod request_trace;
mod routes;
pub mod server;
mod shared_limit;
mod sse;
mod upload_slots;
mod verify_email;
mod websocket;
mod wire;
