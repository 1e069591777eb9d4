//! Transport only: HTTP, WebSocket and event streams around a schema.
//!
//! ```text
//! connection ──▶ server ──▶ observe ──▶ CORS ──▶ gate ──▶ graphql ─┬─▶ execute ──▶ reply
//!                (limits)   (trace id,          (address,          ├─▶ websocket (execute, for each operation)
//!                            panics)             load)             └─▶ sse       (execute, then events)
//! ```
//!
//! Nothing here knows Plaza's schema: an [`Endpoint`] takes any [`Engine`]. Beside it stand a page that verifies e-mail
//! addresses, and the files that people upload.

mod accept;
mod body;
mod credentials;
pub mod endpoint;
mod execute;
mod gate;
mod graphiql;
mod graphql;
mod health;
mod lifetime;
mod media;
mod multipart;
mod observe;
mod origin;
mod places;
mod query_string;
mod reply;
pub mod server;
mod shares;
mod sse;
mod verify_email;
mod websocket;
mod wire;
